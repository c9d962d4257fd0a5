/* server/gateway/room_directory.h: which worker holds which room, and where a new one goes. Pure.
 *
 * A room stays with its worker while it has a session and for a while after, because the worker keeps its chat and lock
 * that long too. A dead worker's rooms are forgotten; the next session of each places it again.
 */
#ifndef SERVER_GATEWAY_ROOM_DIRECTORY_H
#define SERVER_GATEWAY_ROOM_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#define ROOM_DIRECTORY_WORKERS_MAX 256

enum room_directory_error {
  ROOM_DIRECTORY_MEMORY = -1,
  ROOM_DIRECTORY_NO_WORKER = -2, /* none is up           */
  ROOM_DIRECTORY_FULL = -3,      /* rooms_max is reached */
};

struct room_directory;

int room_directory_create(struct room_directory **out, size_t worker_count, size_t rooms_max);
void room_directory_free(struct room_directory *d);
void room_directory_set_rooms_max(struct room_directory *d, size_t rooms_max);

/* Workers start down. Going down forgets the worker's rooms. */
void room_directory_worker_up(struct room_directory *d, size_t worker);
void room_directory_worker_down(struct room_directory *d, size_t worker);

/* The worker of a room, -1 when the room is not known. */
int room_directory_find(const struct room_directory *d, const char *room);

/* The worker of a room; a new room goes to the worker that is up and has the fewest sessions (of equals, the first).
 * Returns its index or an enum room_directory_error. */
int room_directory_place(struct room_directory *d, const char *room);

/* A worker says it holds this room (its hello). Returns 0 or ROOM_DIRECTORY_MEMORY. */
int room_directory_learn(struct room_directory *d, const char *room, size_t worker);

/* A session of the room was opened on its worker, or ended there at now_us. Unknown rooms are ignored. */
void room_directory_session_added(struct room_directory *d, const char *room);
void room_directory_session_removed(struct room_directory *d, const char *room, int64_t now_us);

/* Forgets rooms without a session since before now_us - linger_us. */
void room_directory_expire(struct room_directory *d, int64_t now_us, int64_t linger_us);

size_t room_directory_count(const struct room_directory *d);

#endif
