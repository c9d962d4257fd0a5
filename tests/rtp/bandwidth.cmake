# Tests of congestion control: one program per source file.
foreach(name arrival_groups trendline acknowledged_rate rate_control application_limit queue_delay link_drop calm_link competition
             loss_bound probe_result probe_controller burst_rate pacer bandwidth_allocator
             bandwidth_estimator bandwidth_properties downlink downlink_run downlink_probe downlink_repeat downlink_playout)
  consilium_test(rtp/${name} ${name}_test.c LINK rtp m)
endforeach()

# Golden traces; and that what was sent in them is what their script makes.
consilium_test(rtp/estimator_trace estimator_trace_test.c LINK rtp m)
target_compile_definitions(rtp_estimator_trace_test PRIVATE TRACES="${CMAKE_CURRENT_SOURCE_DIR}/traces")
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME ${CONSILIUM_TEST_PREFIX}rtp/estimator_traces_made
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/traces/make.py --check)
  set_tests_properties(${CONSILIUM_TEST_PREFIX}rtp/estimator_traces_made PROPERTIES TIMEOUT 60 LABELS unit)
endif()
