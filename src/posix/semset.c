/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

static int posix_semctl(int id, int number, int command, union semset_argument argument)
{
	return semctl(id, number, command, argument);
}

const struct semset_calls posix_semset = {
	.ftok = ftok,
	.semget = semget,
	.semop = semop,
#ifdef HAVE_SEMTIMEDOP
	.semtimedop = semtimedop,
#endif
	.semctl = posix_semctl,
};
