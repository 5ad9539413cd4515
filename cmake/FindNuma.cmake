# Finds libnuma; defines Numa::numa. Installed with the package, so that a static consumer finds it too.
find_path(Numa_INCLUDE_DIR numaif.h)
find_library(Numa_LIBRARY numa)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Numa REQUIRED_VARS Numa_LIBRARY Numa_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libnuma-dev")
mark_as_advanced(Numa_INCLUDE_DIR Numa_LIBRARY)
if(Numa_FOUND AND NOT TARGET Numa::numa)
  add_library(Numa::numa UNKNOWN IMPORTED)
  set_target_properties(Numa::numa PROPERTIES
    IMPORTED_LOCATION ${Numa_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${Numa_INCLUDE_DIR})
endif()
