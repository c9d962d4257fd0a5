/* server/worker/audio_repeat.c: see the header. */
#include "server/worker/audio_repeat.h"

#include <stdlib.h>
#include <string.h>

#include "server/worker/engine.h"

void audio_repeat_set(struct slot *slot, uint8_t times) {
  if (times > AUDIO_REPEAT_MOST) times = AUDIO_REPEAT_MOST;
  if (slot->repeats == times) return;
  if (!slot->repeat) slot->repeat = calloc(1, sizeof *slot->repeat);
  for (size_t i = 0; slot->repeat && i < AUDIO_REPEAT_MOST; i++)
    slot->repeat->packets[i].len = 0; /* what was sent before is too old */
  slot->repeats = slot->repeat ? times : 0;
}

__attribute__((noinline)) size_t audio_repeat_sent(struct peer_run *run, struct slot *slot, const uint8_t *sealed,
                                                   size_t len) {
  struct audio_repeat *r = slot->repeat;
  uint8_t kept[AUDIO_REPEAT_BYTES]; /* the batch may go out meanwhile, and `sealed` with it */
  size_t sent = 0, kept_len = len <= sizeof kept ? len : 0;
  peer_transport_context_finish(run->peer->engine->transports);
  memcpy(kept, sealed, kept_len);
  for (size_t i = 0; i < slot->repeats; i++) {
    size_t again = r->packets[i].len;
    if (!again) continue;
    memcpy(egress_batch_reserve(run->egress), r->packets[i].data, again);
    egress_batch_commit(run->egress, &run->peer->destination, again);
    run->packets++;
    run->bytes += again;
    sent += again;
  }
  memmove(&r->packets[1], &r->packets[0], sizeof r->packets - sizeof r->packets[0]);
  r->packets[0].len = (uint16_t)kept_len;
  memcpy(r->packets[0].data, kept, kept_len);
  return sent;
}
