# Congestion control of one receiver's downlink: estimate, pace, allocate.
set(RTP_BANDWIDTH
  arrival_groups.c
  trendline.c
  queue_delay.c
  link_drop.c
  acknowledged_rate.c
  rate_control.c
  loss_bound.c
  application_limit.c
  probe_controller.c
  probe_result.c
  bandwidth_estimator.c
  pacer.c
  bandwidth_allocator.c
  downlink.c
  downlink_probe.c
  downlink_playout.c)
