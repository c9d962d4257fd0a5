/* VP9: payload descriptor (RFC 9628 §4.2), flexible and non-flexible mode, with its scalability structure.
 *
 *   |I|P|L|F|B|E|V|Z|   |M| PID (7 or 15) |   | TID |U| SID |D|   | TL0PICIDX | (F=0)   | P_DIFF |N| up to 3 (F=1, P=1)
 */
#include "rtp/codec_fields.h"

enum {
  FLAG_I = 0x80,
  FLAG_P = 0x40,
  FLAG_L = 0x20,
  FLAG_F = 0x10,
  FLAG_B = 0x08,
  FLAG_E = 0x04,
  FLAG_V = 0x02,
  FLAG_Z = 0x01
};

/* RFC 9628 §4.2: "there MUST NOT be more than 3" reference indices. */
#define MAX_REFERENCES 3

static int read_references(struct rtp_reader *r) {
  for (unsigned i = 0; i < MAX_REFERENCES; i++) {
    uint8_t b = rtp_read_u8(r);
    if (b >> 1 == 0) return r->failed ? RTP_ERROR_SHORT : RTP_ERROR_VALUE; /* a picture cannot refer to itself */
    if (!(b & 1)) return RTP_OK;
  }
  return RTP_ERROR_TOO_MANY;
}

/* |N_S|Y|G|RSV|  N_S+1 times W, H (Y)  N_G (G)  N_G times |TID|U|R|RSV| and R times P_DIFF. */
static void read_scalability_structure(struct rtp_reader *r, struct rtp_codec_info *out) {
  uint8_t head = rtp_read_u8(r);
  out->spatial_layers = (uint8_t)((head >> 5) + 1);
  for (unsigned i = 0; head & 0x10 && i < out->spatial_layers; i++) {
    uint16_t width = rtp_read_u16(r), height = rtp_read_u16(r);
    if (width > out->width) out->width = width;
    if (height > out->height) out->height = height;
  }
  unsigned pictures = head & 0x08 ? rtp_read_u8(r) : 0;
  for (unsigned i = 0; i < pictures && !r->failed; i++)
    rtp_read_bytes(r, rtp_read_u8(r) >> 2 & 3);
}

static int read_descriptor(struct rtp_reader *r, const uint8_t *payload, uint8_t flags, struct rtp_codec_info *out) {
  if (flags & FLAG_I) rtp_codec_read_picture_id(r, payload, out);
  if (flags & FLAG_L) {
    uint8_t b = rtp_read_u8(r);
    out->has_temporal = out->has_spatial = true;
    out->temporal_id = b >> 5;
    out->switch_up = b & 0x10;
    out->spatial_id = b >> 1 & 7;
    out->inter_layer = b & 1;
    if (!(flags & FLAG_F)) rtp_codec_read_tl0picidx(r, payload, out);
  }
  if (flags & FLAG_F && flags & FLAG_P) {
    int error = read_references(r);
    if (error) return error;
  }
  if (flags & FLAG_V) read_scalability_structure(r, out);
  return r->failed || rtp_reader_left(r) == 0 ? RTP_ERROR_SHORT : RTP_OK;
}

int rtp_vp9_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  struct rtp_reader r = rtp_reader_of(payload, len);
  uint8_t flags = rtp_read_u8(&r);
  int error = read_descriptor(&r, payload, flags, out);
  if (error) {
    *out = (struct rtp_codec_info){0};
    return error;
  }
  out->descriptor_len = (uint16_t)(r.at - payload);
  out->frame_start = flags & FLAG_B;
  out->frame_end = flags & FLAG_E || marker;
  out->inter_picture = flags & FLAG_P;
  out->not_inter_layer_reference = flags & FLAG_Z;
  /* A picture without P and without D is predicted from nothing; upper layers of a key picture have D set. */
  out->keyframe = out->frame_start && !out->inter_picture && !out->inter_layer && out->spatial_id == 0;
  return RTP_OK;
}
