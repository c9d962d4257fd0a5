/* video-layers-allocation00: which simulcast streams and layers a publisher sends, at which bitrate and size.
 *
 *   |RID| NS| sl_bm |   stream of this packet, streams - 1, spatial layers of every stream if they are all the same
 *   |sl0_bm |sl1_bm |   else (sl_bm 0) four bits a stream, padded to a byte
 *   |#t |#t |#t |#t |   temporal layers - 1 of each active spatial layer, padded to a byte
 *   | leb128 kbps   |   for each active spatial layer, each temporal layer
 *   | w-1 h-1 fps   |   5 bytes for each active spatial layer; all or none
 * One byte 0 says that nothing is being sent.
 */
#include "rtp/cursor.h"
#include "rtp/extension.h"

static void read_masks(struct rtp_reader *r, uint8_t shared, unsigned streams, uint8_t masks[RTP_LAYERS_MAX_STREAMS]) {
  uint8_t pair = 0;
  for (unsigned s = 0; s < streams; s++) {
    if (shared) {
      masks[s] = shared;
      continue;
    }
    if (s % 2 == 0) pair = rtp_read_u8(r);
    masks[s] = s % 2 == 0 ? pair >> 4 : pair & 0x0F;
  }
}

int rtp_layers_decode(const uint8_t *data, size_t len, struct rtp_layers_allocation *out) {
  struct rtp_reader r = rtp_reader_of(data, len);
  *out = (struct rtp_layers_allocation){0};
  uint8_t first = rtp_read_u8(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  out->stream = first >> 6;
  out->stream_count = (uint8_t)((first >> 4 & 3) + 1);
  if (first == 0 && len == 1) return RTP_OK;
  if (out->stream >= out->stream_count) return RTP_ERROR_VALUE;

  uint8_t masks[RTP_LAYERS_MAX_STREAMS] = {0};
  read_masks(&r, first & 0x0F, out->stream_count, masks);
  for (uint8_t s = 0; s < out->stream_count; s++) {
    for (uint8_t l = 0; l < RTP_LAYERS_MAX_SPATIAL; l++) {
      if (masks[s] >> l & 1) out->layers[out->count++] = (struct rtp_layer_allocation){.stream = s, .spatial_id = l};
    }
  }
  uint8_t four = 0;
  for (unsigned i = 0; i < out->count; i++) {
    if (i % 4 == 0) four = rtp_read_u8(&r);
    out->layers[i].temporal_count = (uint8_t)((four >> (6 - 2 * (i % 4)) & 3) + 1);
  }
  for (unsigned i = 0; i < out->count; i++) {
    for (unsigned t = 0; t < out->layers[i].temporal_count; t++)
      out->layers[i].bitrate_kbps[t] = rtp_read_leb128(&r);
  }
  if (r.failed) return RTP_ERROR_SHORT;
  if (out->count == 0 || rtp_reader_left(&r) == 0) return RTP_OK;
  out->has_resolution = true;
  for (unsigned i = 0; i < out->count; i++) {
    uint32_t width = rtp_read_u16(&r) + 1U, height = rtp_read_u16(&r) + 1U;
    out->layers[i].max_fps = rtp_read_u8(&r);
    if (width > UINT16_MAX || height > UINT16_MAX) return RTP_ERROR_VALUE;
    out->layers[i].width = (uint16_t)width;
    out->layers[i].height = (uint16_t)height;
  }
  return r.failed ? RTP_ERROR_SHORT : RTP_OK;
}

/* Fills the masks; false when a layer is out of range, out of order or has an impossible number of temporal layers. */
static bool collect_masks(const struct rtp_layers_allocation *v, uint8_t masks[RTP_LAYERS_MAX_STREAMS]) {
  int last = -1;
  for (unsigned i = 0; i < v->count; i++) {
    const struct rtp_layer_allocation *l = &v->layers[i];
    int place = l->stream * RTP_LAYERS_MAX_SPATIAL + l->spatial_id;
    bool legal = l->stream < v->stream_count && l->spatial_id < RTP_LAYERS_MAX_SPATIAL && place > last &&
                 l->temporal_count >= 1 && l->temporal_count <= RTP_LAYERS_MAX_TEMPORAL;
    if (!legal || (v->has_resolution && (l->width == 0 || l->height == 0))) return false;
    masks[l->stream] |= (uint8_t)(1U << l->spatial_id);
    last = place;
  }
  return true;
}

static void write_masks(struct rtp_writer *w, const struct rtp_layers_allocation *v,
                        const uint8_t masks[RTP_LAYERS_MAX_STREAMS]) {
  bool same = true;
  for (unsigned s = 1; s < v->stream_count; s++)
    same = same && masks[s] == masks[0];
  uint8_t head = (uint8_t)(v->stream << 6 | (v->stream_count - 1) << 4);
  rtp_write_u8(w, same ? head | masks[0] : head);
  if (same && masks[0] != 0) return;
  for (unsigned s = 0; s < v->stream_count; s += 2) {
    rtp_write_u8(w, (uint8_t)(masks[s] << 4 | (s + 1 < v->stream_count ? masks[s + 1] : 0)));
  }
}

int rtp_layers_encode(uint8_t *out, size_t cap, const struct rtp_layers_allocation *v) {
  struct rtp_writer w = rtp_writer_of(out, cap);
  uint8_t masks[RTP_LAYERS_MAX_STREAMS] = {0};
  if (v->stream_count < 1 || v->stream_count > RTP_LAYERS_MAX_STREAMS || v->stream >= v->stream_count)
    return RTP_ERROR_VALUE;
  if (v->count > RTP_LAYERS_MAX_STREAMS * RTP_LAYERS_MAX_SPATIAL || !collect_masks(v, masks)) return RTP_ERROR_VALUE;
  if (v->count == 0) {
    rtp_write_u8(&w, 0);
    return w.failed ? RTP_ERROR_NO_SPACE : (int)rtp_writer_len(&w);
  }
  write_masks(&w, v, masks);
  uint8_t four = 0;
  for (unsigned i = 0; i < v->count; i++) {
    four |= (uint8_t)((v->layers[i].temporal_count - 1) << (6 - 2 * (i % 4)));
    if (i % 4 != 3 && i + 1 != v->count) continue;
    rtp_write_u8(&w, four);
    four = 0;
  }
  for (unsigned i = 0; i < v->count; i++) {
    for (unsigned t = 0; t < v->layers[i].temporal_count; t++)
      rtp_write_leb128(&w, v->layers[i].bitrate_kbps[t]);
  }
  for (unsigned i = 0; v->has_resolution && i < v->count; i++) {
    rtp_write_u16(&w, (uint16_t)(v->layers[i].width - 1));
    rtp_write_u16(&w, (uint16_t)(v->layers[i].height - 1));
    rtp_write_u8(&w, v->layers[i].max_fps);
  }
  return w.failed ? RTP_ERROR_NO_SPACE : (int)rtp_writer_len(&w);
}
