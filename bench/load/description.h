/* bench/load/description.h: the SDP of an emulated browser: writes its offer, reads the server's answer.
 *
 * The offer is what Chromium would say for the same senders and slots, reduced to the codecs in use (Opus, VP8, RTX). It is
 * written by hand, not with signaling/sdp.h: a generator that shares the server's SDP code would not notice its mistakes.
 * Sources: RFC 8829, 8843 (bundle), 8853 and 8851 (simulcast), 5576 (ssrc), 4588 (rtx).
 */
#ifndef BENCH_LOAD_DESCRIPTION_H
#define BENCH_LOAD_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_MAX_LAYERS     3
#define LOAD_MAX_SLOTS      40
#define LOAD_MAX_CANDIDATES 8

/* Fixed numbers of our offers; the server answers with the same. */
enum load_payload_type { LOAD_PT_OPUS = 111, LOAD_PT_VP8 = 96, LOAD_PT_RTX = 97 };
enum load_extension_id {
  LOAD_EXT_AUDIO_LEVEL = 1,
  LOAD_EXT_TRANSPORT_SEQ = 3,
  LOAD_EXT_MID = 4,
  LOAD_EXT_RID = 10,
  LOAD_EXT_REPAIRED_RID = 11,
};

/* Sections are numbered in this order, and the mid is the number: microphone, camera, audio slots, video slots, data. */
struct offer_plan {
  bool microphone, camera;
  bool active;     /* we are the DTLS client, whatever the other would like (a browser leaves it open: actpass) */
  unsigned layers; /* of the camera: 1 (no simulcast) to LOAD_MAX_LAYERS (q, h, f) */
  unsigned audio_slots, video_slots;
  bool data;
  uint32_t audio_ssrc;
  uint32_t video_ssrc[LOAD_MAX_LAYERS], rtx_ssrc[LOAD_MAX_LAYERS]; /* announced only without simulcast */
  const char *ufrag, *pwd;
  const char *fingerprint; /* sha-256, "AB:CD:…" */
};

/* Number (mid) of a section. */
unsigned offer_mid_microphone(const struct offer_plan *plan);
unsigned offer_mid_camera(const struct offer_plan *plan);
unsigned offer_mid_first_slot(const struct offer_plan *plan);

/* The rid of a layer, 0 the smallest: "q", "h", "f"; with fewer layers the larger ones are left out. */
const char *offer_rid(unsigned layer);

/* Writes the offer, terminated. Returns its length, or 0 when `cap` is too small. */
size_t offer_write(const struct offer_plan *plan, char *out, size_t cap);

/* Writes our answer to the server's offer (Janus's receivers): every section is taken as it is offered, without extensions. Of
 * `plan` ICE and fingerprint are used. Returns its length, or 0 when `cap` is too small. */
size_t answer_write(const struct offer_plan *plan, const char *offer, char *out, size_t cap);

struct answer_slot {
  unsigned mid;
  uint32_t ssrc, rtx_ssrc; /* 0: none */
  bool video;
};

struct answer {
  char ufrag[257], pwd[257];
  char fingerprint_algorithm[16], fingerprint[200];
  struct {
    char address[46];
    uint16_t port;
  } candidates[LOAD_MAX_CANDIDATES];
  size_t candidate_count;
  struct answer_slot slots[LOAD_MAX_SLOTS]; /* sections in which the server sends */
  size_t slot_count;
  size_t rejected;    /* sections with port 0 */
  uint16_t sctp_port; /* 0: no data channels */
};

/* Reads what a client needs of an answer. NULL, or what is missing, in words. */
const char *answer_read(struct answer *out, const char *sdp);

#endif
