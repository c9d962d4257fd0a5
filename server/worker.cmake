# The media worker: engine and process.
consilium_library(worker
  worker/address_map.c worker/congestion.c worker/control.c worker/control_socket.c worker/data_relay.c worker/egress_batch.c
  worker/audio_repeat.c worker/engine.c worker/fan_out.c worker/gather.c worker/layer_limits.c worker/layers.c
  worker/media_format.c worker/negotiation.c worker/peer.c worker/quality.c worker/room_glue.c worker/rtcp_egress.c worker/rtcp_ingress.c
  worker/rtp_ingress.c worker/speakers.c worker/statistics.c worker/track.c worker/udp_socket.c worker/worker.c
  LINK rtp ice signaling conf room server_common PkgConfig::UV PkgConfig::JANSSON OpenSSL::Crypto HOT)
