/* Sender and receiver reports, source description, goodbye, and the two useful extended reports. */
#include "rtp/rtcp_fields.h"

#define SDES_END   0
#define SDES_CNAME 1 /* RFC 3550 §6.5.1 */
#define XR_RRTR    4 /* RFC 3611 §4.4   */
#define XR_DLRR    5 /* RFC 3611 §4.5   */
#define LOST_MAX   0x7FFFFF
#define LOST_MIN   (-0x800000)

/* ---- reports: RFC 3550 §6.4 ---- */

static struct rtcp_report_block read_block(struct rtp_reader *r) {
  struct rtcp_report_block b = {.ssrc = rtp_read_u32(r), .fraction_lost = rtp_read_u8(r)};
  uint32_t lost = rtp_read_u24(r);
  b.cumulative_lost = (int32_t)lost - (lost & 0x800000 ? 0x1000000 : 0);
  b.extended_seq = rtp_read_u32(r);
  b.jitter = rtp_read_u32(r);
  b.last_sr = rtp_read_u32(r);
  b.delay_since_sr = rtp_read_u32(r);
  return b;
}

int rtcp_parse_report(const struct rtcp_packet *p, struct rtcp_report *out) {
  if (p->type != RTCP_SR && p->type != RTCP_RR) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_report){.ssrc = rtp_read_u32(&r), .is_sender = p->type == RTCP_SR};
  if (out->is_sender) {
    out->sender.ntp = rtp_read_u64(&r);
    out->sender.rtp_timestamp = rtp_read_u32(&r);
    out->sender.packets = rtp_read_u32(&r);
    out->sender.octets = rtp_read_u32(&r);
  }
  for (unsigned i = 0; i < p->count; i++)
    out->blocks[i] = read_block(&r);
  out->count = p->count;
  return r.failed ? RTP_ERROR_SHORT : RTP_OK;
}

static void write_block(struct rtp_writer *w, const struct rtcp_report_block *b) {
  int32_t lost = b->cumulative_lost;
  if (lost > LOST_MAX) lost = LOST_MAX;
  if (lost < LOST_MIN) lost = LOST_MIN;
  rtp_write_u32(w, b->ssrc);
  rtp_write_u8(w, b->fraction_lost);
  rtp_write_uint(w, 3, (uint32_t)lost);
  rtp_write_u32(w, b->extended_seq);
  rtp_write_u32(w, b->jitter);
  rtp_write_u32(w, b->last_sr);
  rtp_write_u32(w, b->delay_since_sr);
}

int rtcp_write_report(uint8_t *out, size_t cap, const struct rtcp_report *r) {
  if (r->count > RTCP_MAX_BLOCKS) return RTP_ERROR_TOO_MANY;
  struct rtp_writer w = rtp_writer_of(out, cap);
  rtcp_open(&w, r->count, r->is_sender ? RTCP_SR : RTCP_RR);
  rtp_write_u32(&w, r->ssrc);
  if (r->is_sender) {
    rtp_write_u64(&w, r->sender.ntp);
    rtp_write_u32(&w, r->sender.rtp_timestamp);
    rtp_write_u32(&w, r->sender.packets);
    rtp_write_u32(&w, r->sender.octets);
  }
  for (unsigned i = 0; i < r->count; i++)
    write_block(&w, &r->blocks[i]);
  return rtcp_close(&w);
}

uint32_t rtcp_ntp_middle(uint64_t ntp) {
  return (uint32_t)(ntp >> 16);
}

uint64_t rtcp_ntp_from_us(int64_t us) {
  uint64_t u = (uint64_t)us;
  return (u / 1000000) << 32 | ((u % 1000000) << 32) / 1000000;
}

int64_t rtcp_ntp_to_us(uint64_t ntp) {
  return (int64_t)((ntp >> 32) * 1000000 + ((ntp & UINT32_MAX) * 1000000 >> 32));
}

/* ---- source description: RFC 3550 §6.5 ---- */

/* One chunk: items until a zero, which fills up to the next 32-bit boundary of the body. The first CNAME counts. */
static int read_chunk(struct rtp_reader *r, const uint8_t *body, struct rtcp_cname *out) {
  *out = (struct rtcp_cname){.ssrc = rtp_read_u32(r)};
  if (r->failed) return RTP_ERROR_SHORT;
  for (;;) {
    uint8_t type = rtp_read_u8(r);
    if (r->failed) return RTP_ERROR_LENGTH;
    if (type == SDES_END) break;
    uint8_t len = rtp_read_u8(r);
    const uint8_t *text = rtp_read_bytes(r, len);
    if (r->failed) return RTP_ERROR_LENGTH;
    if (type != SDES_CNAME || out->cname) continue;
    out->cname = (const char *)text;
    out->len = len;
  }
  while (!r->failed && (r->at - body) % 4 != 0)
    rtp_read_u8(r);
  return r->failed ? RTP_ERROR_LENGTH : RTP_OK;
}

int rtcp_parse_sdes(const struct rtcp_packet *p, struct rtcp_sdes *out) {
  if (p->type != RTCP_SDES) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  out->count = 0;
  for (unsigned i = 0; i < p->count; i++) {
    int error = read_chunk(&r, p->body, &out->chunks[i]);
    if (error) return error;
    out->count++;
  }
  return RTP_OK;
}

int rtcp_write_sdes(uint8_t *out, size_t cap, uint32_t ssrc, const char *cname, size_t len) {
  if (len > UINT8_MAX) return RTP_ERROR_VALUE;
  struct rtp_writer w = rtp_writer_of(out, cap);
  rtcp_open(&w, 1, RTCP_SDES);
  rtp_write_u32(&w, ssrc);
  rtp_write_u8(&w, SDES_CNAME);
  rtp_write_u8(&w, (uint8_t)len);
  rtp_write_bytes(&w, cname, len);
  rtp_write_u8(&w, SDES_END);
  return rtcp_close(&w);
}

/* ---- goodbye: RFC 3550 §6.6 ---- */

int rtcp_parse_bye(const struct rtcp_packet *p, struct rtcp_bye *out) {
  if (p->type != RTCP_BYE) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_bye){.count = p->count};
  for (unsigned i = 0; i < p->count; i++)
    out->ssrcs[i] = rtp_read_u32(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  if (rtp_reader_left(&r) == 0) return RTP_OK;
  uint8_t len = rtp_read_u8(&r);
  out->reason = (const char *)rtp_read_bytes(&r, len);
  if (r.failed) return RTP_ERROR_LENGTH;
  out->reason_len = len;
  return RTP_OK;
}

int rtcp_write_bye(uint8_t *out, size_t cap, const uint32_t *ssrcs, size_t count, const char *reason) {
  size_t len = reason ? strlen(reason) : 0;
  if (count > RTCP_MAX_BLOCKS) return RTP_ERROR_TOO_MANY;
  if (len > UINT8_MAX) return RTP_ERROR_VALUE;
  struct rtp_writer w = rtp_writer_of(out, cap);
  rtcp_open(&w, count, RTCP_BYE);
  for (size_t i = 0; i < count; i++)
    rtp_write_u32(&w, ssrcs[i]);
  if (reason) {
    rtp_write_u8(&w, (uint8_t)len);
    rtp_write_bytes(&w, reason, len);
  }
  return rtcp_close(&w);
}

/* ---- extended reports: RFC 3611 ---- */

int rtcp_parse_xr(const struct rtcp_packet *p, struct rtcp_xr *out) {
  if (p->type != RTCP_XR) return RTP_ERROR_TYPE;
  struct rtp_reader r = rtp_reader_of(p->body, p->body_len);
  *out = (struct rtcp_xr){.sender_ssrc = rtp_read_u32(&r)};
  if (r.failed) return RTP_ERROR_SHORT;
  while (rtp_reader_left(&r) > 0) {
    uint8_t type = rtp_read_u8(&r);
    rtp_read_u8(&r);
    size_t len = (size_t)rtp_read_u16(&r) * 4;
    const uint8_t *data = rtp_read_bytes(&r, len);
    if (r.failed) return RTP_ERROR_LENGTH;
    struct rtp_reader block = rtp_reader_of(data, len);
    if (type == XR_RRTR && len == 8) {
      out->has_reference = true;
      out->reference_ntp = rtp_read_u64(&block);
    } else if (type == XR_DLRR && len >= 12 && !out->has_dlrr) {
      out->has_dlrr = true;
      out->dlrr_ssrc = rtp_read_u32(&block);
      out->last_rr = rtp_read_u32(&block);
      out->delay_since_rr = rtp_read_u32(&block);
    }
  }
  return RTP_OK;
}
