# Finds prometheus-cpp's core library alone; defines PrometheusCppCore::core. Its own CMake package also
# demands civetweb and CURL, which numasio does not use. Installed, so that a static consumer finds it too.
find_path(PrometheusCppCore_INCLUDE_DIR prometheus/text_serializer.h)
find_library(PrometheusCppCore_LIBRARY prometheus-cpp-core)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PrometheusCppCore
  REQUIRED_VARS PrometheusCppCore_LIBRARY PrometheusCppCore_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install prometheus-cpp-dev")
mark_as_advanced(PrometheusCppCore_INCLUDE_DIR PrometheusCppCore_LIBRARY)
if(PrometheusCppCore_FOUND AND NOT TARGET PrometheusCppCore::core)
  add_library(PrometheusCppCore::core UNKNOWN IMPORTED)
  set_target_properties(PrometheusCppCore::core PROPERTIES
    IMPORTED_LOCATION ${PrometheusCppCore_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${PrometheusCppCore_INCLUDE_DIR})
endif()
