# Part of `cmake --install`, which sets `build_dir`, `bin_dir` and `doc_dir`: the units name paths, and the prefix is
# known only now, since --prefix may give another one.
set(jobd ${CMAKE_INSTALL_PREFIX}/${bin_dir}/jobd)
set(doc ${CMAKE_INSTALL_PREFIX}/${doc_dir})
set(conf ${CMAKE_INSTALL_PREFIX}/etc/jobd)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
  set(conf /etc/jobd)
endif()
foreach(command api worker standalone)
  set(unit ${build_dir}/packaging/jobd-${command}.service)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/jobd-${command}.service.in ${unit} @ONLY)
  file(INSTALL ${unit} DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endforeach()
# Never over settings that someone has made.
if(NOT EXISTS $ENV{DESTDIR}${conf}/jobd.env)
  file(INSTALL ${CMAKE_CURRENT_LIST_DIR}/jobd.env DESTINATION ${conf} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()
