# Wire formats: one program per source file.
foreach(name packet extension extension_values extension_layers)
  consilium_test(rtp/${name} ${name}_test.c LINK rtp)
endforeach()
