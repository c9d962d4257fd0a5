/* server/room/room_manager.c: making and freeing the manager, ids, look-ups, time. */
#include "server/room/room_manager.h"

#include <stdlib.h>
#include <string.h>

#include "server/room/internal.h"

void room_settings_init(struct room_settings *settings) {
  *settings = (struct room_settings){
      .max_rooms = 1000,
      .max_sessions = 10000,
      .max_participants = 50,
      .max_hidden = 16,
      .max_tracks = 8,
      .max_waiting = 32,
      .chat_messages = 200,
      .chat_bytes = SIGNALING_CHAT_BYTES,
      .audio_slots = 8,
      .screen_audio_slots = 2,
      .video_slots = 16,
      .resume_window_us = 30000000,
      .linger_us = 30000000,
      .waiting_room = 64,
      .wait_us = INT64_C(4) * 3600 * 1000000,
      .knock_us = 10000000,
      .video_codecs = {"VP8", "H264"},
      .audio_codecs = {"opus"},
  };
  topology_settings_init(&settings->direct);
}

int room_manager_create(struct room_manager **out, const struct room_settings *settings,
                        const struct room_listener *listener, void *listener_arg) {
  if (!settings->random) return ROOM_ERROR_ARGUMENT;
  struct room_manager *m = calloc(1, sizeof *m);
  if (!m) return ROOM_ERROR_MEMORY;
  m->settings = *settings;
  m->listener = *listener;
  m->arg = listener_arg;
  m->next_us = ROOM_NEVER;
  *out = m;
  return ROOM_OK;
}

void room_manager_free(struct room_manager *m) {
  if (!m) return;
  HASH_CLEAR(hh, m->members); /* the objects themselves are their rooms' */
  HASH_CLEAR(hh_id, m->member_ids);
  HASH_CLEAR(hh, m->tracks);
  HASH_CLEAR(hh_id, m->track_ids);
  struct room *r, *next_room;
  HASH_ITER(hh, m->rooms, r, next_room) {
    HASH_DEL(m->rooms, r);
    room_free(r);
  }
  struct session *s, *next_session;
  HASH_ITER(hh, m->sessions, s, next_session) {
    HASH_DEL(m->sessions, s);
    session_free(s);
  }
  while ((s = m->dead)) {
    m->dead = s->dead_next;
    session_free(s);
  }
  for (size_t i = 0; i < m->spent_count; i++)
    free(m->spent[i].jti);
  free(m->spent);
  free(m);
}

void room_manager_set_wall(struct room_manager *m, int64_t wall_us) {
  m->settings.wall_us = wall_us;
}

int64_t manager_wall_ms(const struct room_manager *m) {
  return (m->now_us + m->settings.wall_us) / 1000;
}

uint32_t manager_handle(struct room_manager *m) {
  return ++m->last_handle; /* four thousand million joins and publications outlive any process */
}

void manager_make_id(struct room_manager *m, const char *prefix, char id[ROOM_ID_BYTES]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint8_t bytes[17] = {0}; /* one zero byte more, so that the last character finds its missing bits */
  m->settings.random(m->settings.random_arg, bytes, 16);
  size_t n = strlen(prefix);
  memcpy(id, prefix, n);
  for (size_t bit = 0; bit < 128; bit += 6) {
    unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
    id[n++] = alphabet[pair >> (10 - bit % 8) & 63];
  }
  id[n] = '\0';
}

void manager_wake_at(struct room_manager *m, int64_t at_us) {
  if (at_us < m->next_us) m->next_us = at_us;
}

int64_t room_manager_deadline(const struct room_manager *m) {
  return m->next_us;
}

static void tick_sessions(struct room_manager *m) {
  struct session *s, *next;
  HASH_ITER(hh, m->sessions, s, next) {
    if (s->connected) continue;
    if (s->lost_until_us > m->now_us) {
      manager_wake_at(m, s->lost_until_us);
      continue;
    }
    if (s->member) member_remove(m, s->member, LEAVE_LOST);
    if (s->waiter) waiting_remove(m, s->waiter, WAITING_LOST);
    session_close(m, s, SIGNALING_CLOSE_NORMAL, "lost");
  }
}

static void tick_rooms(struct room_manager *m) {
  struct room *r, *next;
  HASH_ITER(hh, m->rooms, r, next) {
    if (r->wake_us <= m->now_us) {
      waiting_expire(m, r);
      room_touch(m, r);
    } else {
      manager_wake_at(m, r->wake_us);
    }
  }
}

void room_manager_tick(struct room_manager *m, int64_t now_us) {
  if (now_us < m->next_us) return;
  manager_enter(m, now_us);
  m->next_us = ROOM_NEVER; /* what still waits says so again below, or while its room settles */
  tick_sessions(m);
  tick_rooms(m);
  manager_leave(m);
}

uint32_t room_manager_find_participant(const struct room_manager *m, const char *id) {
  struct member *found;
  HASH_FIND(hh_id, m->member_ids, id, strlen(id), found);
  return found ? found->handle : 0;
}

uint32_t room_manager_find_track(const struct room_manager *m, const char *id) {
  struct track *found;
  HASH_FIND(hh_id, m->track_ids, id, strlen(id), found);
  return found ? found->handle : 0;
}

struct room_counts room_manager_counts(const struct room_manager *m) {
  size_t waiting = 0, direct = 0;
  for (const struct room *r = m->rooms; r; r = r->hh.next) {
    waiting += r->waiter_count;
    direct += topology_is_direct(&r->topology);
  }
  return (struct room_counts){.rooms = HASH_COUNT(m->rooms),
                              .waiting = waiting,
                              .direct = direct,
                              .sessions = HASH_COUNT(m->sessions),
                              .participants = HASH_COUNT(m->members),
                              .tracks = HASH_CNT(hh, m->tracks)};
}

const struct topology_stats *room_manager_direct_stats(const struct room_manager *m) {
  return &m->direct_stats;
}
