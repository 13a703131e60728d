# Needed only if ROS comes from PyPI wheels: pass it as -DCMAKE_PROJECT_INCLUDE=<this file>.
#
# The message targets in the wheels export the Python and NumPy include folders of the machine that
# built the wheels, and CMake refuses a target if an include folder does not exist. When all
# targets are known, the missing folders are removed; rosidl adds those of this machine itself.

function(drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      set(existing ${directories})
      foreach(directory IN LISTS directories)
        if(IS_ABSOLUTE "${directory}" AND NOT EXISTS "${directory}")
          list(REMOVE_ITEM existing "${directory}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${existing}")
    endif()
  endforeach()
endfunction()

cmake_language(DEFER CALL drop_missing_include_directories)
