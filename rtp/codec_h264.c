/* H.264: single NAL units, STAP-A, FU-A (RFC 6184 §5.6..§5.8). The SPS itself is read by codec_h264_sps.c. */
#include "rtp/codec.h"
#include "rtp/cursor.h"

/* H.264 table 7-1 and RFC 6184 table 1. */
enum {
  NAL_SLICE = 1,
  NAL_IDR = 5,
  NAL_SPS = 7,
  NAL_DELIMITER = 9,
  NAL_SINGLE_MAX = 23,
  NAL_STAP_A = 24,
  NAL_FU_A = 28
};

/* What the NAL units of a packet add up to. */
struct packet_nals {
  struct rtp_codec_info *info;
  bool any_slice, any_reference;
};

/* One NAL unit, or the start of one: `data` is what follows the header byte. */
static void see_nal(struct packet_nals *n, uint8_t type, uint8_t ref_idc, const uint8_t *data, size_t len) {
  bool slice = type >= NAL_SLICE && type <= NAL_IDR;
  /* first_mb_in_slice is the first code of a slice header; a leading 1 bit is the code of 0. */
  bool first_slice = (type == NAL_SLICE || type == NAL_IDR) && len > 0 && data[0] & 0x80;
  n->any_slice = n->any_slice || slice;
  n->any_reference = n->any_reference || ref_idc != 0;
  if (type == NAL_SPS || type == NAL_DELIMITER || first_slice) n->info->frame_start = true;
  if (type == NAL_SPS || (type == NAL_IDR && first_slice)) n->info->keyframe = true;
}

static void see_whole_nal(struct packet_nals *n, const uint8_t *nal, size_t len) {
  see_nal(n, nal[0] & 0x1F, nal[0] >> 5 & 3, nal + 1, len - 1);
  if ((nal[0] & 0x1F) == NAL_SPS) rtp_h264_parse_sps(nal, len, &n->info->width, &n->info->height);
}

static int read_stap(struct rtp_reader *r, struct packet_nals *n) {
  if (rtp_reader_left(r) == 0) return RTP_ERROR_SHORT;
  while (rtp_reader_left(r) > 0) {
    uint16_t len = rtp_read_u16(r);
    const uint8_t *nal = rtp_read_bytes(r, len);
    if (r->failed || len == 0) return RTP_ERROR_LENGTH;
    /* RFC 6184 §5.7.1: aggregation packets do not nest. */
    if ((nal[0] & 0x1F) == 0 || (nal[0] & 0x1F) > NAL_SINGLE_MAX) return RTP_ERROR_VALUE;
    see_whole_nal(n, nal, len);
  }
  return RTP_OK;
}

static int read_fragment(struct rtp_reader *r, struct packet_nals *n, uint8_t indicator) {
  uint8_t head = rtp_read_u8(r);
  if (r->failed || rtp_reader_left(r) == 0) return RTP_ERROR_SHORT;
  bool start = head & 0x80, end = head & 0x40;
  uint8_t type = head & 0x1F;
  /* RFC 6184 §5.8: "the Start bit and End bit MUST NOT both be set to one in the same FU header". */
  if ((start && end) || type == 0 || type > NAL_SINGLE_MAX) return RTP_ERROR_VALUE;
  uint8_t ref_idc = indicator >> 5 & 3;
  see_nal(n, type, ref_idc, r->at, start ? rtp_reader_left(r) : 0);
  if (!start) n->info->keyframe = n->info->frame_start = false;
  return RTP_OK;
}

int rtp_h264_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  struct rtp_reader r = rtp_reader_of(payload, len);
  struct packet_nals n = {.info = out};
  uint8_t first = rtp_read_u8(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  uint8_t type = first & 0x1F;
  int error = RTP_OK;
  if (type == NAL_STAP_A) {
    error = read_stap(&r, &n);
  } else if (type == NAL_FU_A) {
    error = read_fragment(&r, &n, first);
  } else if (type >= NAL_SLICE && type <= NAL_SINGLE_MAX) {
    see_whole_nal(&n, payload, len);
  } else {
    error = RTP_ERROR_VALUE;
  }
  if (error) {
    *out = (struct rtp_codec_info){0};
    return error;
  }
  out->frame_end = marker;
  out->discardable = n.any_slice && !n.any_reference && !out->keyframe;
  /* H.264 §7.4.1: nal_ref_idc 0 is never referred to: two temporal layers, where encoders mark no more (SVC NAL units, which RFC 6184
   * senders do not have). A dependency descriptor knows better: rtp/incoming_stream.c. */
  out->has_temporal = n.any_slice;
  out->temporal_id = out->discardable;
  out->switch_up = out->discardable;
  return RTP_OK;
}
