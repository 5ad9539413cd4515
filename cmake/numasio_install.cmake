# Installs libraries, headers and a CMake package: find_package(numasio COMPONENTS core bridge control).
include(CMakePackageConfigHelpers)
set(numasio_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/numasio)

# One export set for each component, so that a consumer of core is never asked for YAML or HTTP libraries.
set(numasio_components core bridge)
if(NUMASIO_CONTROL)
  list(APPEND numasio_components control)
endif()
foreach(component IN LISTS numasio_components)
  install(TARGETS numasio_${component} EXPORT numasio-${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT numasio-${component} NAMESPACE numasio:: DESTINATION ${numasio_package_dir}
    FILE numasio-${component}.cmake)
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/numasio DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/numasioConfig.cmake.in
  ${PROJECT_BINARY_DIR}/numasioConfig.cmake INSTALL_DESTINATION ${numasio_package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/numasioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/numasioConfig.cmake
  ${PROJECT_BINARY_DIR}/numasioConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindHwloc.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindNuma.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindUring.cmake
  DESTINATION ${numasio_package_dir})
if(NUMASIO_CONTROL)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/FindPrometheusCppCore.cmake DESTINATION ${numasio_package_dir})
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
