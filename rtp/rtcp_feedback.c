/* Feedback messages: NACK, PLI, FIR, REMB. RFC 4585 §6.1: all begin with the sender's and the media source's SSRC. */
#include "rtp/rtcp_fields.h"

#define REMB_NAME          0x52454D42U /* "REMB" */
#define REMB_MANTISSA_BITS 18

static bool is_feedback(const struct rtcp_packet *p, uint8_t type, uint8_t format) {
  return p->type == type && p->count == format;
}

static void open_feedback(struct rtp_writer *w, uint8_t type, uint8_t format, uint32_t sender_ssrc,
                          uint32_t media_ssrc) {
  rtcp_open(w, format, type);
  rtp_write_u32(w, sender_ssrc);
  rtp_write_u32(w, media_ssrc);
}

/* ---- generic NACK: RFC 4585 §6.2.1 ---- */

int rtcp_parse_nack(const struct rtcp_packet *p, struct rtcp_nack *out) {
  if (!is_feedback(p, RTCP_RTPFB, RTCP_RTPFB_NACK)) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  out->sender_ssrc = rtp_read_u32(&r);
  out->media_ssrc = rtp_read_u32(&r);
  out->count = 0;
  out->truncated = false;
  if (r.failed) return RTP_ERROR_SHORT;
  if (rtp_reader_left(&r) == 0) return RTP_ERROR_LENGTH;
  while (rtp_reader_left(&r) > 0) {
    uint16_t pid = rtp_read_u16(&r);
    /* Bit 0 of the mask stands for pid itself, bit i for pid + i: "bit i of the bit mask is set to 1 if … PID+i". */
    uint32_t mask = (uint32_t)rtp_read_u16(&r) << 1 | 1;
    if (r.failed) return RTP_ERROR_LENGTH;
    for (unsigned i = 0; mask >> i != 0; i++) {
      if (!(mask >> i & 1)) continue;
      if (out->count == RTCP_MAX_NACKS) {
        out->truncated = true;
        return RTP_OK;
      }
      out->seqs[out->count++] = (uint16_t)(pid + i);
    }
  }
  return RTP_OK;
}

int rtcp_write_nack(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                    size_t count, size_t *written) {
  if (count == 0) return RTP_ERROR_VALUE;
  struct rtp_writer w = rtp_writer_of(out, cap);
  open_feedback(&w, RTCP_RTPFB, RTCP_RTPFB_NACK, sender_ssrc, media_ssrc);
  size_t i = 0;
  do {
    uint16_t pid = seqs[i], blp = 0;
    size_t next = i + 1;
    for (; next < count; next++) {
      uint16_t ahead = (uint16_t)(seqs[next] - pid);
      if (ahead < 1 || ahead > 16) break;
      blp |= (uint16_t)(1U << (ahead - 1));
    }
    if (i > 0 && w.end - w.at < 4) break;
    rtp_write_u16(&w, pid);
    rtp_write_u16(&w, blp);
    i = next;
  } while (i < count && !w.failed);
  if (written) *written = w.failed ? 0 : i;
  return rtcp_close(&w);
}

/* ---- picture loss indication: RFC 4585 §6.3.1 ---- */

int rtcp_parse_pli(const struct rtcp_packet *p, struct rtcp_pli *out) {
  if (!is_feedback(p, RTCP_PSFB, RTCP_PSFB_PLI)) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_pli){.sender_ssrc = rtp_read_u32(&r), .media_ssrc = rtp_read_u32(&r)};
  return r.failed ? RTP_ERROR_SHORT : RTP_OK;
}

int rtcp_write_pli(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc) {
  struct rtp_writer w = rtp_writer_of(out, cap);
  open_feedback(&w, RTCP_PSFB, RTCP_PSFB_PLI, sender_ssrc, media_ssrc);
  return rtcp_close(&w);
}

/* ---- full intra request: RFC 5104 §4.3.1 ---- */

int rtcp_parse_fir(const struct rtcp_packet *p, struct rtcp_fir *out) {
  if (!is_feedback(p, RTCP_PSFB, RTCP_PSFB_FIR)) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_fir){.sender_ssrc = rtp_read_u32(&r)};
  rtp_read_u32(&r); /* §4.3.1.2: "The SSRC of media source is not used and SHALL be set to 0." */
  if (r.failed) return RTP_ERROR_SHORT;
  size_t entries = rtp_reader_left(&r) / 8;
  if (entries == 0 || rtp_reader_left(&r) % 8 != 0) return RTP_ERROR_LENGTH;
  if (entries > RTCP_MAX_FIRS) return RTP_ERROR_TOO_MANY;
  for (size_t i = 0; i < entries; i++) {
    out->entries[i].ssrc = rtp_read_u32(&r);
    out->entries[i].seq = rtp_read_u8(&r);
    rtp_read_u24(&r);
  }
  out->count = (uint8_t)entries;
  return RTP_OK;
}

int rtcp_write_fir(uint8_t *out, size_t cap, const struct rtcp_fir *fir) {
  if (fir->count > RTCP_MAX_FIRS) return RTP_ERROR_TOO_MANY;
  if (fir->count == 0) return RTP_ERROR_VALUE;
  struct rtp_writer w = rtp_writer_of(out, cap);
  open_feedback(&w, RTCP_PSFB, RTCP_PSFB_FIR, fir->sender_ssrc, 0);
  for (unsigned i = 0; i < fir->count; i++) {
    rtp_write_u32(&w, fir->entries[i].ssrc);
    rtp_write_u32(&w, (uint32_t)fir->entries[i].seq << 24);
  }
  return rtcp_close(&w);
}

/* ---- receiver estimated maximum bitrate: draft-alvestrand-rmcat-remb-03 §2.2 ---- */

int rtcp_parse_remb(const struct rtcp_packet *p, struct rtcp_remb *out) {
  if (!is_feedback(p, RTCP_PSFB, RTCP_PSFB_AFB)) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_remb){.sender_ssrc = rtp_read_u32(&r)};
  rtp_read_u32(&r);
  uint32_t name = rtp_read_u32(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  if (name != REMB_NAME) return RTP_ERROR_TYPE;
  uint8_t count = rtp_read_u8(&r);
  uint32_t rate = rtp_read_u24(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  if (rtp_reader_left(&r) != (size_t)count * 4) return RTP_ERROR_LENGTH;
  if (count > RTCP_MAX_REMB_SSRCS) return RTP_ERROR_TOO_MANY;
  uint64_t mantissa = rate & ((1U << REMB_MANTISSA_BITS) - 1);
  unsigned exponent = rate >> REMB_MANTISSA_BITS;
  bool fits = mantissa <= ((uint64_t)INT64_MAX >> exponent);
  out->bitrate_bps = fits ? mantissa << exponent : (uint64_t)INT64_MAX;
  for (unsigned i = 0; i < count; i++)
    out->ssrcs[i] = rtp_read_u32(&r);
  out->count = count;
  return RTP_OK;
}

int rtcp_write_remb(uint8_t *out, size_t cap, const struct rtcp_remb *remb) {
  if (remb->count > RTCP_MAX_REMB_SSRCS) return RTP_ERROR_TOO_MANY;
  uint64_t mantissa = remb->bitrate_bps;
  unsigned exponent = 0;
  for (; mantissa >> REMB_MANTISSA_BITS != 0; exponent++)
    mantissa >>= 1;
  struct rtp_writer w = rtp_writer_of(out, cap);
  open_feedback(&w, RTCP_PSFB, RTCP_PSFB_AFB, remb->sender_ssrc, 0);
  rtp_write_u32(&w, REMB_NAME);
  rtp_write_u8(&w, remb->count);
  rtp_write_uint(&w, 3, exponent << REMB_MANTISSA_BITS | mantissa);
  for (unsigned i = 0; i < remb->count; i++)
    rtp_write_u32(&w, remb->ssrcs[i]);
  return rtcp_close(&w);
}
