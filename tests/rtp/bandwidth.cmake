# Tests of congestion control: one program per source file.
foreach(name arrival_groups trendline acknowledged_rate rate_control application_limit queue_delay link_drop calm_link competition
             loss_bound probe_result probe_controller burst_rate pacer bandwidth_allocator
             bandwidth_estimator downlink downlink_run downlink_probe downlink_repeat downlink_playout)
  consilium_test(rtp/${name} ${name}_test.c LINK rtp m)
endforeach()
