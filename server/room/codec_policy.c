/* server/room/codec_policy.c: which codec everybody should send, so that everybody can decode it.
 *
 * A member's last offer says what it decodes (its receiving m-lines) and encodes (its sending ones). Codecs are bits in the
 * order of the settings' lists, so the lowest common bit is the preferred one. When that changes for somebody who sends,
 * `negotiate` asks for a new offer, once a change.
 */
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "server/room/internal.h"

static const char *const *allowed(const struct room_manager *m, enum room_kind kind) {
  return kind == ROOM_AUDIO ? m->settings.audio_codecs : m->settings.video_codecs;
}

uint8_t codec_bit(const struct room_manager *m, enum room_kind kind, const char *name) {
  const char *const *list = allowed(m, kind);
  for (unsigned i = 0; i < ROOM_MAX_CODECS && list[i]; i++)
    if (strcasecmp(list[i], name) == 0) return (uint8_t)(1u << i);
  return 0;
}

void codecs_read_offer(const struct room_manager *m, struct member *member, const json_t *offer) {
  uint8_t decodable[2] = {0}, encodable[2] = {0};
  bool receives[2] = {false}, sends[2] = {false};
  size_t i, k;
  json_t *media, *codec;
  json_array_foreach(json_object_get(offer, "media"), i, media) {
    const char *kind_name = json_string_value(json_object_get(media, "kind"));
    const char *direction = json_string_value(json_object_get(media, "direction"));
    if (!kind_name || !direction || json_is_true(json_object_get(media, "rejected"))) continue;
    bool audio = strcmp(kind_name, "audio") == 0;
    if (!audio && strcmp(kind_name, "video") != 0) continue;
    enum room_kind kind = audio ? ROOM_AUDIO : ROOM_VIDEO;
    bool receiving = strcmp(direction, "recvonly") == 0 || strcmp(direction, "sendrecv") == 0;
    bool sending = strcmp(direction, "sendonly") == 0 || strcmp(direction, "sendrecv") == 0;
    receives[kind] |= receiving;
    sends[kind] |= sending;
    json_array_foreach(json_object_get(media, "codecs"), k, codec) {
      const char *name = json_string_value(json_object_get(codec, "name"));
      uint8_t bit = name ? codec_bit(m, kind, name) : 0;
      if (receiving) decodable[kind] |= bit;
      if (sending) encodable[kind] |= bit;
    }
  }
  for (size_t kind = 0; kind < 2; kind++) { /* who receives nothing of a kind does not narrow it */
    member->decodable[kind] = receives[kind] ? decodable[kind] : 0xff;
    member->encodable[kind] = sends[kind] ? encodable[kind] : 0xff;
  }
}

uint8_t codecs_common(const struct room *r, enum room_kind kind) {
  uint8_t common = 0xff;
  const struct member *member;
  DL_FOREACH(r->members, member) common &= member->decodable[kind];
  return common;
}

static uint8_t sendable(const struct room_manager *m, const struct member *member, enum room_kind kind,
                        uint8_t common) {
  unsigned known = 0;
  const char *const *list = allowed(m, kind);
  for (unsigned i = 0; i < ROOM_MAX_CODECS && list[i]; i++)
    known |= 1u << i;
  unsigned mine = known & member->encodable[kind];
  return (uint8_t)(mine & common ? mine & common : mine); /* nothing in common: better some than nobody */
}

static uint8_t preferred(const struct room_manager *m, const struct member *member, enum room_kind kind,
                         uint8_t common) {
  unsigned bits = sendable(m, member, kind, common);
  return (uint8_t)(bits & (0u - bits));
}

uint8_t codec_preferred(const struct room_manager *m, const struct member *member, enum room_kind kind) {
  return preferred(m, member, kind, codecs_common(member->room, kind));
}

size_t room_manager_codecs(const struct room_manager *m, uint32_t participant, enum room_kind kind, const char **names,
                           size_t max) {
  struct member *member;
  HASH_FIND(hh, m->members, &participant, sizeof participant, member);
  if (!member) return 0;
  uint8_t bits = sendable(m, member, kind, codecs_common(member->room, kind));
  const char *const *list = allowed(m, kind);
  size_t count = 0;
  for (unsigned i = 0; i < ROOM_MAX_CODECS && list[i] && count < max; i++)
    if (bits >> i & 1) names[count++] = list[i];
  return count;
}

static bool sends_other(const struct room_manager *m, const struct member *member, enum room_kind kind, uint8_t bit) {
  for (size_t i = 0; i < member->sender_count; i++) {
    const struct room_sender *sender = &member->senders[i];
    if (sender->kind == kind && codec_bit(m, kind, sender->codec) != bit) return true;
  }
  return false;
}

void codecs_settle(struct room_manager *m, struct room *r) {
  const uint8_t common[] = {[ROOM_AUDIO] = codecs_common(r, ROOM_AUDIO), [ROOM_VIDEO] = codecs_common(r, ROOM_VIDEO)};
  struct member *member;
  DL_FOREACH(r->members, member) {
    if (!member->negotiated || member->session->offer_id) continue; /* the answer under way will say it */
    bool ask = false;
    for (int i = ROOM_AUDIO; i <= ROOM_VIDEO; i++) {
      enum room_kind kind = (enum room_kind)i;
      uint8_t bit = preferred(m, member, kind, common[kind]);
      if (bit == member->codec_preferred[kind]) continue;
      member->codec_preferred[kind] = bit;
      ask |= bit && sends_other(m, member, kind, bit);
    }
    if (ask) member_event(m, member, "negotiate", json_pack("{s:s}", "reason", "codec"));
  }
}
