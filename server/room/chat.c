/* server/room/chat.c: the last messages of a room, kept for those who come later or come back.
 *
 * A private message is history only for the two identities it concerns; identities, not participant ids, because a member
 * that joins again gets a new id.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

/* A snapshot is one message, and a receiver's queue takes 1 MiB: a history of the longest texts (each of their bytes can be
 * two on the wire) would keep everybody out of the room. */
#define HISTORY_BYTES ((size_t)512 << 10)

static void entry_free(struct chat_entry *entry) {
  json_decref(entry->event);
  free(entry->from_identity);
  free(entry->to_identity);
  free(entry);
}

int chat_append(struct room_manager *m, struct room *r, json_t *event, const char *from_identity,
                const char *to_identity) {
  struct chat_entry *entry = calloc(1, sizeof *entry);
  if (!entry) return ROOM_ERROR_MEMORY;
  entry->event = json_incref(event);
  entry->from_identity = strdup(from_identity);
  entry->to_identity = to_identity ? strdup(to_identity) : NULL;
  if (!entry->from_identity || (to_identity && !entry->to_identity)) {
    entry_free(entry);
    return ROOM_ERROR_MEMORY;
  }
  entry->bytes = json_dumpb(event, NULL, 0, JSON_COMPACT);
  DL_APPEND(r->chat, entry);
  r->chat_bytes += entry->bytes;
  r->chat_count++;
  while (r->chat_count > m->settings.chat_messages || r->chat_bytes > HISTORY_BYTES) {
    struct chat_entry *oldest = r->chat;
    DL_DELETE(r->chat, oldest);
    r->chat_bytes -= oldest->bytes;
    r->chat_count--;
    entry_free(oldest);
  }
  return ROOM_OK;
}

json_t *chat_history(const struct room *r, const char *identity) {
  json_t *list = json_array();
  const struct chat_entry *entry;
  DL_FOREACH(r->chat, entry) {
    if (!entry->to_identity || strcmp(entry->to_identity, identity) == 0 || strcmp(entry->from_identity, identity) == 0)
      json_array_append(list, entry->event);
  }
  return list;
}

void chat_free(struct room *r) {
  struct chat_entry *entry, *next;
  DL_FOREACH_SAFE(r->chat, entry, next) entry_free(entry);
  r->chat = NULL;
  r->chat_count = r->chat_bytes = 0;
}
