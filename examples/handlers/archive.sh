#!/bin/sh
# Compresses the file FOLDER/OBJECT_ID, an upload say, and answers with sizes and checksum.
# It may run twice for the same object, as every handler may: the archive takes its place in one step, and only then is
# the original removed, so a run that comes second finds the work done.
set -eu
file=$1/$JOB_OBJECT_ID
archive=$file.gz
if [ -e "$file" ]; then
  bytes=$(wc -c <"$file")
  gzip -9 -n <"$file" >"$archive.$JOB_ATTEMPT"
  mv "$archive.$JOB_ATTEMPT" "$archive"
  rm "$file"
elif [ -e "$archive" ]; then
  bytes=$(gzip -dc <"$archive" | wc -c)
else
  echo "there is no file $file" >&2
  exit 1
fi
sum=$(sha256sum <"$archive" | cut -d ' ' -f 1)
printf '{"archive": "%s", "bytes": %d, "compressed": %d, "sha256": "%s"}\n' \
  "$archive" "$bytes" "$(wc -c <"$archive")" "$sum"
