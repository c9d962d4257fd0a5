# Stream logic: everything that remembers more than one packet.
set(RTP_STREAM
  drop_reason.c
  rate_window.c
  receive_statistics.c
  sender_clock.c
  nack_requester.c
  keyframe_requests.c
  packet_history.c
  incoming_stream.c
  incoming_reports.c
  outgoing_stream.c
  outgoing_forward.c
  outgoing_picture.c
  outgoing_header.c
  outgoing_rtx.c
  outgoing_red.c
  layer_filter.c
  layer_selector.c
  speaker_detector.c
  transport_history.c transport_recorder.c)
