# jobd_embed_migrations(OUT FOLDER FUNCTION): a C++ file with the text of every NNNN_name.sql of a folder, in order, as
# the answer of that function of storage/migrations.hpp.
function(jobd_embed_migrations out folder function)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.sql)
  list(SORT files)
  set(rows "")
  foreach(path ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    get_filename_component(name ${path} NAME_WE)
    string(REGEX MATCH "^[0-9]+" version ${name})
    math(EXPR version "${version} + 0")
    file(READ ${path} text)
    string(APPEND rows "  {${version}, \"${name}\", R\"sql(${text})sql\"},\n")
  endforeach()
  # Copied, not configured: the text may hold anything that CMake would expand. The copy is made only if it differs.
  file(WRITE ${out}.new "#include \"storage/migrations.hpp\"\n\nnamespace jobd::storage {\n\nstd::span<const migration> ${function}() {\n  static constexpr migration all[] = {\n${rows}  };\n  return all;\n}\n\n} // namespace jobd::storage\n")
  configure_file(${out}.new ${out} COPYONLY)
endfunction()

# jobd_embed_text(OUT FILE HEADER NAMESPACE FUNCTION): a C++ file with the text of a file, as the answer of that function
# of the header.
function(jobd_embed_text out file header namespace function)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  file(READ ${PROJECT_SOURCE_DIR}/${file} text)
  file(WRITE ${out}.new "#include \"${header}\"\n\nnamespace ${namespace} {\n\nstd::string_view ${function}() {\n  return R\"text(${text})text\";\n}\n\n} // namespace ${namespace}\n")
  configure_file(${out}.new ${out} COPYONLY)
endfunction()
