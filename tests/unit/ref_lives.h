/* SPDX-License-Identifier: MIT */
/*
 * Lives of processes that use the reference in ways that no test of the corpus can, for it knows
 * nothing but the contract: beside the platform's own calls, with peers that are hostile, and with
 * an eye on what they cost.
 */
#ifndef UNIT_REF_LIVES_H
#define UNIT_REF_LIVES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* Who is not done in that time, scaled by IPCTS_TIMEOUT_SCALE, is no more. */
enum { PATIENCE_SECONDS = 60 };
void have_patience(unsigned seconds);

/* Each begins in a process of its own, and holds if it comes to its end. */
#define LIVES(L)                                                                                   \
	L(with_two_locks)                                                                          \
	L(within_a_lock_of_libc)                                                                   \
	L(with_a_predecessors_mailbox)                                                             \
	L(with_another_users_process)                                                              \
	L(with_a_writer_who_died)                                                                  \
	L(in_the_default_directory)                                                                \
	L(with_wakes_in_vain)                                                                      \
	L(in_a_deep_directory)                                                                     \
	L(with_a_path_of_another_file_system)                                                      \
	L(beside_another_version)                                                                  \
	L(after_the_dead)                                                                          \
	L(with_a_journal_beyond_the_end)                                                           \
	L(with_a_stopped_receiver)                                                                 \
	L(without_directory)                                                                       \
	L(with_number_zero)                                                                        \
	L(with_numbers_closed_by_others)                                                           \
	L(with_words_that_stay)                                                                    \
	L(with_an_owner_of_elsewhere)                                                              \
	L(for_long)                                                                                \
	L(with_a_thread_in_a_call)                                                                 \
	L(by_what_linux_says)                                                                      \
	L(with_a_file_cut_off)                                                                     \
	L(with_a_list_that_leads_nowhere)                                                          \
	L(with_a_broken_object)                                                                    \
	L(with_two_threads)                                                                        \
	L(as_a_child_of_threads)                                                                   \
	L(with_a_segment_of_data)                                                                  \
	L(without_a_descriptor_to_spare)                                                           \
	L(with_a_connector_who_died)                                                               \
	L(with_a_listener_that_closes)                                                             \
	L(with_descriptors_of_the_dead)                                                            \
	L(with_an_end_that_is_shut)                                                                \
	L(with_names_of_carriers_in_use)                                                           \
	L(with_questions)                                                                          \
	L(with_settings_that_change)                                                               \
	L(with_a_pipe_of_another_size)                                                             \
	L(until_a_moment)                                                                          \
	L(without_minding_SIGBUS)                                                                  \
	L(after_a_wait_for_a_lock)                                                                 \
	L(with_a_stopped_sender)                                                                   \
	L(with_who_polls)                                                                          \
	L(with_nothing_to_undo)                                                                    \
	L(with_an_undo_of_now)                                                                     \
	L(with_a_crowd)                                                                            \
	L(in_a_line)                                                                               \
	L(with_a_queue_filled_again)                                                               \
	L(with_much_talk)                                                                          \
	L(with_several_named_semaphores)                                                           \
	L(with_datagrams)                                                                          \
	L(with_a_claim)                                                                            \
	L(with_many_messages)                                                                      \
	L(with_a_umask)                                                                            \
	L(with_a_removal_half_done)                                                                \
	L(with_a_broken_stream)                                                                    \
	L(with_a_loss_of_ones_own)                                                                 \
	L(with_a_handler_that_rings)                                                               \
	L(beside_who_rings)                                                                        \
	L(with_a_move_just_now)                                                                    \
	L(on_each_processor)                                                                       \
	L(as_told_to_wait)                                                                         \
	L(after_waits_in_vain)                                                                     \
	L(in_a_line_of_the_dead)                                                                   \
	L(behind_a_stopped_receiver)                                                               \
	L(after_many_dead_senders)                                                                 \
	L(with_the_largest_queue)                                                                  \
	L(with_room_made_by_a_gift)                                                                \
	L(with_a_gift_to_the_dead)                                                                 \
	L(with_little_room_for_offers)                                                             \
	L(with_all_registrations)                                                                  \
	L(with_anothers_number)                                                                    \
	L(with_a_registration_lost)                                                                \
	L(with_packets_behind_bytes)                                                               \
	L(with_a_reader_gone_silently)                                                             \
	L(with_a_ring_that_moves)                                                                  \
	L(beside_a_lost_neighbour)                                                                 \
	L(with_owners_who_died)                                                                    \
	L(with_what_was_removed)                                                                   \
	L(with_a_broken_registry)                                                                  \
	L(with_a_maker_who_died)                                                                   \
	L(with_identifier_zero)                                                                    \
	L(with_a_broken_queue)                                                                     \
	L(without_looking_again)                                                                   \
	L(without_calls)                                                                           \
	L(awake_for_nothing)                                                                       \
	L(with_an_owner_of_the_same_number)                                                        \
	L(with_sleepers_who_are_gone)                                                              \
	L(with_threads_that_fork)                                                                  \
	L(in_another_world)                                                                        \
	L(with_a_number_of_anothers)                                                               \
	L(with_names_that_tell_nothing)                                                            \
	L(with_a_name_refused)                                                                     \
	L(with_a_number_in_a_datagram)                                                             \
	L(among_many_sockets)                                                                      \
	L(with_a_ring_as_long_as_needed)                                                           \
	L(with_a_process_at_zero)                                                                  \
	L(with_a_zero_that_others_lose)                                                            \
	L(with_a_directory_at_zero)                                                                \
	L(with_pairs_of_the_platform)                                                              \
	L(without_a_peer)                                                                          \
	L(with_an_error_of_before)                                                                 \
	L(with_too_much_to_undo)                                                                   \
	L(with_a_mark)                                                                             \
	L(with_an_address_of_ones_choice)

#define DECLARE(life) void live_##life(void);
LIVES(DECLARE)
#undef DECLARE

#define MUST(condition) ((condition) ? (void)0 : give_up(__FILE__, __LINE__, #condition))
#define MUST_FAIL(call, error) MUST((call) == -1 && errno == (error))

/*
 * What happens whenever the library asks on which processor it runs, or how a descriptor is set,
 * or allocates room of a file; NULL: nothing.
 */
extern void (*when_asked_where)(void);
extern void (*when_it_asks)(void);
extern void (*when_it_allocates)(void);

_Noreturn void give_up(const char *file, int line, const char *condition);
/* Memory that all children have, too. */
void *share(size_t size);
/* Queues SIGRTMIN with the value 1 to a process. */
void queue_to(pid_t pid);
/* A child that doesn't outlive this process. */
pid_t forks(void);
/* The path of an object's file, until it is asked for the next. */
const char *file_of(const char *name);
/* How many files there are in the directory of the objects whose names begin so. */
int count_files(const char *prefix);
/* How many files are mapped here, and how many descriptors are open. */
long count_costs(void);
/* From now on no descriptor can be had. */
void use_up_descriptors(void);
/* Returns when the process is in a sleep, and not for a moment on its way to it. */
void await_sleep(pid_t pid);
void await_sleep_of(pid_t process, pid_t thread);
/* The address of a name in the world; its size. */
socklen_t name_of(struct sockaddr_un *address, const char *name);
/* A socket of streams that listens by a name in the world; one that has connected to it. */
int listen_as(const char *name);
int connect_to(const char *name);
/* A client and the server's end of a connection by that name. */
void connect_by(const char *name, int ends[2]);
/* Passes a descriptor over a socket. */
bool passes(int socket, int passed, int flags);
/* Takes it; -1: there was none. */
int take(int socket);

#endif
