/* tests/sim/wire.h: what publisher, server and receivers of the simulation agree on: SSRCs, payload types, extension ids. */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include <stdint.h>

#define SIM_VP8             96
#define SIM_VP8_RTX         97
#define SIM_OPUS            111
#define SIM_RED             63
#define SIM_FORMAT_VP8      0
#define SIM_FORMAT_OPUS     1
#define SIM_FORMAT_RED      2
#define SIM_TRANSPORT_ID    3 /* extension ids towards receivers */
#define SIM_SEND_TIME_ID    4
#define SIM_PLAYOUT_ID      5
#define SIM_MID_ID          6 /* of publishers */
#define SIM_RID_ID          7
#define SIM_REPAIRED_RID_ID 8
#define SIM_LAYERS          3
#define SIM_VIDEO_SSRC      1000U /* publisher: + 10 * layer; RTX one more */
#define SIM_AUDIO_SSRC      2000U
#define SIM_SLOT_VIDEO      5000U /* towards receivers; RTX one more */
#define SIM_SLOT_AUDIO      6000U
#define SIM_FRAME_US        33333
#define SIM_AUDIO_US        20000
#define SIM_AUDIO_STEP      960 /* of its timestamps */

#endif
