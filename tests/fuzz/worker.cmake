if(TARGET worker)
  consilium_fuzz(worker worker_fuzz.c LINK engine_harness MAX_LEN 2048)
endif()
