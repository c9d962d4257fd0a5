/* H.264 sequence parameter set, as far as the picture size: H.264 §7.3.2.1.1. */
#include "rtp/codec.h"
#include "rtp/cursor.h"

/* The fields up to the cropping rectangle, scaling lists included, take less; the rest of a longer set is not looked at. */
#define SPS_READ_MAX  256

/* §7.4.2.1.1: num_ref_frames_in_pic_order_cnt_cycle is 0..255. */
#define POC_CYCLE_MAX 255

/* §7.4.1: drops the emulation prevention byte of each 00 00 03. */
static size_t unescape(const uint8_t *nal, size_t len, uint8_t out[SPS_READ_MAX]) {
  size_t n = 0;
  unsigned zeros = 0;
  for (size_t i = 0; i < len && n < SPS_READ_MAX; i++) {
    bool escape = zeros >= 2 && nal[i] == 3;
    zeros = nal[i] == 0 ? zeros + 1 : 0;
    if (!escape) out[n++] = nal[i];
  }
  return n;
}

/* §7.3.2.1.1.1 */
static void skip_scaling_list(struct rtp_bits *b, unsigned size) {
  uint8_t last = 8, next = 8;
  for (unsigned i = 0; i < size && !b->failed; i++) {
    if (next != 0) next = (uint8_t)(last + (uint32_t)rtp_read_se(b));
    if (next != 0) last = next;
  }
}

static bool has_chroma_format(uint32_t profile) {
  static const uint8_t profiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return memchr(profiles, (int)profile, sizeof profiles) != NULL;
}

/* Returns chroma_format_idc. */
static uint32_t read_chroma(struct rtp_bits *b) {
  uint32_t chroma = rtp_read_ue(b);
  if (chroma > 3) b->failed = true;
  if (chroma == 3 && rtp_read_bit(b)) chroma = 0; /* separate colour planes: sizes count as monochrome's */
  bool planes_444 = chroma == 3;
  rtp_read_ue(b); /* bit_depth_luma_minus8   */
  rtp_read_ue(b); /* bit_depth_chroma_minus8 */
  rtp_read_bit(b);
  if (!rtp_read_bit(b)) return chroma;
  for (unsigned i = 0; i < (planes_444 ? 12U : 8U); i++) {
    if (rtp_read_bit(b)) skip_scaling_list(b, i < 6 ? 16 : 64);
  }
  return chroma;
}

static void skip_picture_order(struct rtp_bits *b) {
  uint32_t type = rtp_read_ue(b);
  if (type == 0) rtp_read_ue(b);
  if (type != 1) return;
  rtp_read_bit(b);
  rtp_read_se(b);
  rtp_read_se(b);
  uint32_t cycle = rtp_read_ue(b);
  if (cycle > POC_CYCLE_MAX) b->failed = true;
  for (uint32_t i = 0; i < cycle && !b->failed; i++)
    rtp_read_se(b);
}

int rtp_h264_parse_sps(const uint8_t *nal, size_t len, uint16_t *width, uint16_t *height) {
  uint8_t bytes[SPS_READ_MAX];
  struct rtp_bits b = rtp_bits_of(bytes, unescape(nal, len, bytes));
  rtp_read_bits(&b, 8); /* NAL header */
  uint32_t profile = rtp_read_bits(&b, 8);
  rtp_read_bits(&b, 16); /* constraints, level */
  rtp_read_ue(&b);       /* seq_parameter_set_id */
  uint32_t chroma = has_chroma_format(profile) ? read_chroma(&b) : 1;
  rtp_read_ue(&b); /* log2_max_frame_num_minus4 */
  skip_picture_order(&b);
  rtp_read_ue(&b); /* max_num_ref_frames */
  rtp_read_bit(&b);
  uint64_t w = (rtp_read_ue(&b) + 1ULL) * 16, h = (rtp_read_ue(&b) + 1ULL) * 16;
  bool frames_only = rtp_read_bit(&b);
  if (!frames_only) {
    rtp_read_bit(&b);
    h *= 2;
  }
  rtp_read_bit(&b);
  uint64_t crop_w = 0, crop_h = 0;
  if (rtp_read_bit(&b)) {
    /* §7.4.2.1.1 and table 6-1: cropping counts chroma samples, and field lines when fields are allowed. */
    crop_w = rtp_read_ue(&b);
    crop_w = (crop_w + rtp_read_ue(&b)) * (chroma == 1 || chroma == 2 ? 2 : 1);
    crop_h = rtp_read_ue(&b);
    crop_h = (crop_h + rtp_read_ue(&b)) * (chroma == 1 ? 2 : 1) * (frames_only ? 1 : 2);
  }
  if (b.failed) return RTP_ERROR_SHORT;
  if (crop_w >= w || crop_h >= h || w - crop_w > UINT16_MAX || h - crop_h > UINT16_MAX) return RTP_ERROR_VALUE;
  *width = (uint16_t)(w - crop_w);
  *height = (uint16_t)(h - crop_h);
  return RTP_OK;
}
