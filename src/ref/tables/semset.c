/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

static int semset_semctl(int id, int number, int command, union semset_argument argument)
{
	return ipcref_semctl(id, number, command, argument);
}

const struct semset_calls ref_semset = {
	.ftok = ftok,
	.semget = ipcref_semget,
	.semop = ipcref_semop,
	.semtimedop = ipcref_semtimedop,
	.semctl = semset_semctl,
};
