/* rtp/trendline.h: whether the path's queue grows, shrinks or stays, from the delay variation of packet groups.
 *
 * The accumulated variation, smoothed, is a picture of the queue; the slope of a line through its last twenty points, times a
 * gain, is held against a threshold. The threshold follows the slope slowly, faster up than down, so that competing flows
 * that fill the queue by themselves do not starve us.
 *
 * Source: draft-ietf-rmcat-gcc-02 §5.4 (detector, adaptive threshold); the line fit in place of its Kalman filter is what
 * libwebrtc publishes as trendline estimator, with its constants.   Memory: fixed, no allocation.
 */
#ifndef RTP_TRENDLINE_H
#define RTP_TRENDLINE_H

#include <stdint.h>

#include "rtp/arrival_groups.h"

#define TRENDLINE_WINDOW            20
#define TRENDLINE_SMOOTHING         0.9
#define TRENDLINE_GAIN              4.0
#define TRENDLINE_MAX_DELTAS        60 /* the slope is weighted by the number of variations seen, up to this */
#define TRENDLINE_THRESHOLD_MS      12.5
/* gcc-02 §5.4, table: "overuse_time_th: 10 ms", "K_u 0.01, K_d 0.00018" with a Kalman filter; for the line fit libwebrtc uses: */
#define TRENDLINE_OVERUSE_MS        10.0
#define TRENDLINE_K_UP              0.0087
#define TRENDLINE_K_DOWN            0.039
/* gcc-02 §5.4: "del_var_th is clamped to the range [6, 600]"; "not updated if |m(i)| - del_var_th(i) > 15". */
#define TRENDLINE_THRESHOLD_MIN_MS  6.0
#define TRENDLINE_THRESHOLD_MAX_MS  600.0
#define TRENDLINE_THRESHOLD_SKIP_MS 15.0

enum link_usage { LINK_NORMAL = 0, LINK_OVERUSED, LINK_UNDERUSED };
const char *link_usage_name(enum link_usage usage);

struct trendline {
  uint32_t deltas;
  int64_t first_us, threshold_us; /* receiver's clock; threshold_us: last update, -1 never */
  double accumulated_ms, smoothed_ms;
  double slope, modified_ms, threshold_ms, over_ms; /* over_ms < 0: not over the threshold */
  uint32_t over_count;
  uint32_t count, next; /* points in the ring, where the next one goes */
  double at_ms[TRENDLINE_WINDOW], delay_ms[TRENDLINE_WINDOW];
  double origin_ms, sum_at, sum_delay, sum_square, sum_product; /* of the window, times since origin_ms */
  enum link_usage usage;
};

void trendline_init(struct trendline *t);

/* One delay variation. Returns, and keeps in t->usage, the state of the link. */
enum link_usage trendline_update(struct trendline *t, const struct arrival_delta *d);

#endif
