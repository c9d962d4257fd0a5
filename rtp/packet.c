/* The RTP header: a checked view, a walk over extension elements, a writer with a header of fixed length. */
#include "rtp/packet.h"

#include <endian.h>

#include "rtp/cursor.h"

#define RTP_VERSION           2 /* RFC 3550 §5.1 */

/* RFC 8285 §4.2: "the 16-bit … field is the bit pattern 0xBEDE"; §4.3: 0x100 followed by four application bits. */
#define PROFILE_ONE_BYTE      0xBEDE
#define PROFILE_TWO_BYTE      0x1000
#define PROFILE_TWO_BYTE_MASK 0xFFF0
#define ONE_BYTE_STOP_ID      15

enum rtp_kind rtp_kind_of(const uint8_t *data, size_t len) {
  if (len < 2 || data[0] >> 6 != RTP_VERSION) return RTP_KIND_NONE;
  if (data[1] >= 192 && data[1] <= 223) return len >= 4 ? RTP_KIND_RTCP : RTP_KIND_NONE;
  return len >= RTP_HEADER_SIZE ? RTP_KIND_RTP : RTP_KIND_NONE;
}

static uint32_t load32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return be32toh(value);
}

int rtp_packet_parse(struct rtp_packet *p, uint8_t *data, size_t len) {
  if (len > UINT16_MAX) return RTP_ERROR_LENGTH;
  if (len < RTP_HEADER_SIZE) return RTP_ERROR_SHORT;
  const uint8_t first = data[0], second = data[1], csrc_count = first & 0x0F;
  if (first >> 6 != RTP_VERSION) return RTP_ERROR_VERSION;
  size_t header_len = RTP_HEADER_SIZE + (size_t)csrc_count * 4, extension_offset = 0, extension_len = 0;
  uint32_t extension = 0; /* profile and length in words */
  if (header_len > len) return RTP_ERROR_SHORT;
  if (first & 0x10) {
    extension_offset = header_len + sizeof extension;
    if (extension_offset > len) return RTP_ERROR_EXTENSION;
    extension = load32(data + header_len);
    extension_len = (size_t)(extension & 0xFFFF) * 4;
    header_len = extension_offset + extension_len;
    if (header_len > len) return RTP_ERROR_EXTENSION;
  }
  size_t payload_len = len - header_len;
  uint8_t padding_len = 0;
  if (first & 0x20) {
    /* RFC 3550 §5.1: "The last octet of the padding contains a count of how many padding octets should be ignored,
     * including itself." So it is at least 1, and it must not reach into the header. */
    if (payload_len == 0) return RTP_ERROR_PADDING;
    padding_len = data[len - 1];
    if (padding_len == 0 || padding_len > payload_len) return RTP_ERROR_PADDING;
    payload_len -= padding_len;
  }
  /* Field by field: a compound literal costs a zeroed copy on the stack. */
  p->data = data;
  p->len = len;
  p->payload = data + header_len;
  p->payload_len = payload_len;
  p->timestamp = load32(data + 4);
  p->ssrc = load32(data + 8);
  p->seq = (uint16_t)load32(data);
  p->header_len = (uint16_t)header_len;
  p->extension_profile = (uint16_t)(extension >> 16);
  p->extension_offset = (uint16_t)extension_offset;
  p->extension_len = (uint16_t)extension_len;
  p->payload_type = second & 0x7F;
  p->csrc_count = csrc_count;
  p->padding_len = padding_len;
  p->marker = second >> 7;
  return RTP_OK;
}

/* ---- extension elements ---- */

void rtp_element_begin(struct rtp_element_iterator *it, const struct rtp_packet *p) {
  *it = (struct rtp_element_iterator){0};
  it->two_byte = (p->extension_profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE;
  if (!it->two_byte && p->extension_profile != PROFILE_ONE_BYTE) return;
  it->at = p->data + p->extension_offset;
  it->end = it->at + p->extension_len;
}

bool rtp_element_next(struct rtp_element_iterator *it, struct rtp_element *out) {
  const uint8_t *at = it->at, *end = it->end;
  it->at = end; /* unless there is one more */
  if (at < end && *at == 0) at = rtp_skip_padding(at, end);
  if (at == end) return false;
  uint8_t id = *at++;
  size_t len;
  if (it->two_byte) {
    if (at == end) return false;
    len = *at++;
  } else {
    len = (id & 0x0FU) + 1;
    id >>= 4;
    /* §4.2: with id 15, and with id 0 and a length, "processing of the entire extension MUST terminate at that point". */
    if (id == ONE_BYTE_STOP_ID || id == 0) return false;
  }
  if (len > (size_t)(end - at)) return false;
  out->id = id;
  out->len = (uint8_t)len;
  out->data = at;
  it->at = at + len;
  return true;
}

bool rtp_packet_find_element(const struct rtp_packet *p, uint8_t id, struct rtp_element *out) {
  struct rtp_element_iterator it;
  struct rtp_element e;
  rtp_element_begin(&it, p);
  while (rtp_element_next(&it, &e)) {
    if (e.id != id) continue;
    *out = e;
    return true;
  }
  return false;
}

/* ---- writing ---- */

int rtp_header_begin(struct rtp_header_writer *w, uint8_t *out, size_t cap, const struct rtp_header *h,
                     size_t block_len, bool two_byte) {
  if (block_len % 4 != 0 || block_len / 4 > UINT16_MAX || h->payload_type > 127) return RTP_ERROR_VALUE;
  struct rtp_writer b = rtp_writer_of(out, cap);
  rtp_write_u8(&b, (uint8_t)(RTP_VERSION << 6 | (h->padding ? 0x20 : 0) | (block_len ? 0x10 : 0)));
  rtp_write_u8(&b, (uint8_t)((h->marker ? 0x80 : 0) | h->payload_type));
  rtp_write_u16(&b, h->seq);
  rtp_write_u32(&b, h->timestamp);
  rtp_write_u32(&b, h->ssrc);
  if (block_len > 0) {
    rtp_write_u16(&b, two_byte ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
    rtp_write_u16(&b, (uint16_t)(block_len / 4));
  }
  uint8_t *block = rtp_write_room(&b, block_len);
  if (!block) return RTP_ERROR_NO_SPACE;
  *w = (struct rtp_header_writer){.at = block, .block = block, .end = b.at, .out = out, .two_byte = two_byte};
  return RTP_OK;
}

uint8_t *rtp_header_add(struct rtp_header_writer *w, uint8_t id, size_t len) {
  size_t head = w->two_byte ? 2 : 1;
  bool legal = w->two_byte ? id != 0 && len <= UINT8_MAX : id >= 1 && id <= 14 && len >= 1 && len <= 16;
  if (!legal || (size_t)(w->end - w->at) < head + len) return NULL;
  if (w->two_byte) {
    w->at[0] = id;
    w->at[1] = (uint8_t)len;
  } else {
    w->at[0] = (uint8_t)(id << 4 | (len - 1));
  }
  uint8_t *place = w->at + head;
  w->at = place + len;
  return place;
}

size_t rtp_header_end(struct rtp_header_writer *w) {
  memset(w->at, 0, (size_t)(w->end - w->at));
  w->at = w->end;
  return (size_t)(w->end - w->out);
}
