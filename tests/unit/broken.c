/* SPDX-License-Identifier: MIT */
/* A platform with a bug: linked with --wrap=pipe, the two ends of a pipe are exchanged. */
int __real_pipe(int ends[2]);
int __wrap_pipe(int ends[2]);

int __wrap_pipe(int ends[2])
{
	int status = __real_pipe(ends), end = ends[0];

	ends[0] = ends[1];
	ends[1] = end;
	return status;
}
