/* server/worker/audio_repeat.h (internal to the worker): sound for receivers that lose packets and decode no RED (Firefox, Safari).
 *
 * On a lossy path each audio packet goes again with the next one, or the next two, as RED would carry it: the very bytes that were
 * sent, so nothing is sealed twice with one index (RFC 3711 §9.1); who has it already drops the other as a replay (§3.3.2). How often
 * is what rtp/downlink.h found for RED: DOWNLINK_RED_ONCE, _TWICE, within the same part of the link.
 *
 * Memory: AUDIO_REPEAT_MOST packets a slot, from the first loss on.
 */
#ifndef SERVER_WORKER_AUDIO_REPEAT_H
#define SERVER_WORKER_AUDIO_REPEAT_H

#include <stddef.h>
#include <stdint.h>

#define AUDIO_REPEAT_MOST  2
#define AUDIO_REPEAT_BYTES 400 /* 20 ms of Opus at 128 kbit/s, headers and tag; longer packets are not repeated */

struct peer_run;
struct slot;

struct audio_repeat {
  struct {
    uint16_t len; /* 0: nothing */
    uint8_t data[AUDIO_REPEAT_BYTES];
  } packets[AUDIO_REPEAT_MOST]; /* the newest first */
};

/* How often this slot's packets go again from now on, 0: not at all. Without memory it stays 0. */
void audio_repeat_set(struct slot *slot, uint8_t times);

/* `len` sealed bytes were just sent: those before them go again. Returns the bytes that this sent. */
size_t audio_repeat_sent(struct peer_run *run, struct slot *slot, const uint8_t *sealed, size_t len);

#endif
