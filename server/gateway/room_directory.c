/* Room → worker. */
#include "server/gateway/room_directory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct room {
  UT_hash_handle hh;
  size_t worker;
  size_t sessions;
  int64_t empty_us; /* since when it has no session; 0: not seen by the clock yet */
  char name[];
};

struct room_directory {
  struct room *rooms;
  size_t rooms_max, worker_count;
  struct {
    bool up;
    size_t sessions;
  } workers[ROOM_DIRECTORY_WORKERS_MAX];
};

int room_directory_create(struct room_directory **out, size_t worker_count, size_t rooms_max) {
  struct room_directory *d = calloc(1, sizeof *d);
  if (!d) return ROOM_DIRECTORY_MEMORY;
  d->worker_count = worker_count;
  d->rooms_max = rooms_max;
  *out = d;
  return 0;
}

static void remove_room(struct room_directory *d, struct room *r) {
  d->workers[r->worker].sessions -= r->sessions;
  HASH_DEL(d->rooms, r);
  free(r);
}

void room_directory_free(struct room_directory *d) {
  struct room *r, *next;
  if (!d) return;
  HASH_ITER(hh, d->rooms, r, next) remove_room(d, r);
  free(d);
}

void room_directory_set_rooms_max(struct room_directory *d, size_t rooms_max) {
  d->rooms_max = rooms_max;
}

void room_directory_worker_up(struct room_directory *d, size_t worker) {
  d->workers[worker].up = true;
}

void room_directory_worker_down(struct room_directory *d, size_t worker) {
  struct room *r, *next;
  d->workers[worker].up = false;
  HASH_ITER(hh, d->rooms, r, next)
  if (r->worker == worker) remove_room(d, r);
}

static struct room *find(const struct room_directory *d, const char *name) {
  struct room *r = NULL;
  HASH_FIND(hh, d->rooms, name, strlen(name), r);
  return r;
}

int room_directory_find(const struct room_directory *d, const char *room) {
  const struct room *r = find(d, room);
  return r ? (int)r->worker : -1;
}

int room_directory_learn(struct room_directory *d, const char *room, size_t worker) {
  if (find(d, room)) return 0;
  size_t length = strlen(room);
  struct room *r = calloc(1, sizeof *r + length + 1);
  if (!r) return ROOM_DIRECTORY_MEMORY;
  memcpy(r->name, room, length + 1);
  r->worker = worker;
  HASH_ADD(hh, d->rooms, name[0], length, r);
  return 0;
}

int room_directory_place(struct room_directory *d, const char *room) {
  int best = room_directory_find(d, room);
  if (best >= 0) return best;
  for (size_t i = 0; i < d->worker_count; i++)
    if (d->workers[i].up && (best < 0 || d->workers[i].sessions < d->workers[best].sessions)) best = (int)i;
  if (best < 0) return ROOM_DIRECTORY_NO_WORKER;
  if (HASH_COUNT(d->rooms) >= d->rooms_max) return ROOM_DIRECTORY_FULL;
  return room_directory_learn(d, room, (size_t)best) == 0 ? best : ROOM_DIRECTORY_MEMORY;
}

void room_directory_session_added(struct room_directory *d, const char *room) {
  struct room *r = find(d, room);
  if (!r) return;
  r->sessions++;
  d->workers[r->worker].sessions++;
}

void room_directory_session_removed(struct room_directory *d, const char *room, int64_t now_us) {
  struct room *r = find(d, room);
  if (!r || r->sessions == 0) return;
  r->sessions--;
  d->workers[r->worker].sessions--;
  r->empty_us = now_us;
}

void room_directory_expire(struct room_directory *d, int64_t now_us, int64_t linger_us) {
  struct room *r, *next;
  HASH_ITER(hh, d->rooms, r, next) {
    if (r->sessions > 0) continue;
    if (r->empty_us == 0) r->empty_us = now_us; /* learned from a hello */
    if (now_us - r->empty_us > linger_us) remove_room(d, r);
  }
}

size_t room_directory_count(const struct room_directory *d) {
  return HASH_COUNT(d->rooms);
}
