/* rtp/speaker_detector.h: who speaks, and who is loudest, from the audio levels in the packets' headers (RFC 6464).
 *
 * Every member's level is smoothed over three windows. The short one (about 0.2 s) tells a beginning word, the medium one
 * (1 s) speech from a cough, the long one (4 s) a speaker from an interjection. The active speaker changes only when a
 * challenger beats the present one in the windows that matter and the present one has had its minimum time: no flicker.
 * The ranking (loudest first) chooses whose microphone is forwarded in large rooms; those being forwarded get a bonus, so
 * that equally loud people do not take turns.
 *
 * Caller: speaker_detector_level() per audio packet (O(1)), speaker_detector_update() about every 200 ms (O(members)).
 * Memory: one allocation at create, for `capacity` members.
 */
#ifndef RTP_SPEAKER_DETECTOR_H
#define RTP_SPEAKER_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEAKER_NONE        UINT32_MAX
#define SPEAKER_MIN_HOLD_US 1000000 /* a new speaker is not replaced within this time unless silent */
#define SPEAKER_UPDATE_US   200000  /* how often update wants to be called */

struct speaker_detector;

/* Errors: -1 out of memory, or capacity 0 or above 4096. */
int speaker_detector_create(struct speaker_detector **out, uint32_t capacity);
void speaker_detector_free(struct speaker_detector *d); /* accepts NULL */

/* A member with a microphone. Returns its number, used below (numbers are reused after remove), or SPEAKER_NONE when full. */
uint32_t speaker_detector_add(struct speaker_detector *d);

/* The member left or was muted for good. */
void speaker_detector_remove(struct speaker_detector *d, uint32_t member);

/* One audio packet. `level` is RFC 6464's -dBov: 0 loudest, 127 silence. `voice`: the V bit; pass true when the sender does
 * not fill it in. Unknown members are ignored. */
void speaker_detector_level(struct speaker_detector *d, uint32_t member, uint8_t level, bool voice, int64_t now_us);

/* The member muted itself: silent at once, but keeps its number. */
void speaker_detector_mute(struct speaker_detector *d, uint32_t member);

/* Lets time pass. True when the active speaker or the audible set changed: tell the clients. */
bool speaker_detector_update(struct speaker_detector *d, int64_t now_us);

/* The active speaker; SPEAKER_NONE before anybody spoke. Stays with the last speaker during silence. */
uint32_t speaker_detector_active(const struct speaker_detector *d);

struct speaker_rank {
  uint32_t member;
  uint8_t level; /* 0 silence … 127 loudest (smoothed; the reverse of RFC 6464) */
  bool speaking; /* above the speech threshold now */
};

/* The `max` loudest of the last update, loudest first, hysteresis applied. Silent members come last, the one who spoke
 * most recently first, so that a quiet room keeps its forwarded set. Returns how many were written. */
size_t speaker_detector_loudest(const struct speaker_detector *d, struct speaker_rank *out, size_t max);

/* Tells which members are being forwarded (bonus in the ranking), e.g. those of speaker_detector_loudest(). */
void speaker_detector_set_forwarded(struct speaker_detector *d, const uint32_t *members, size_t count);

#endif
