# What scripts/test ends with, from all that `bun test` said: each failed test with its file and the first lines of its
# error, then the counts. `code` is what bun ended with, `root` the folder that it ran in, `junit` its report of the errors:
# workers print an error and the name of its test apart. The counts are those that stand together right above "Ran N tests".
/^[^ ]+\.test\.ts:$/ { file = substr($0, 1, length($0) - 1) }
# Bun repeats the failed tests at the end, without their files.
/^[0-9]+ tests? (failed|skipped):$/ { repeated = 1 }
!repeated && /^\(fail\) / {
  name = substr($0, 8)
  sub(/ \[[0-9.]+m?s\]$/, "", name)
  lines[++found] = "failed: " file ": " name
  files[found] = file
  names[found] = name
}
# Bun names no file above an error outside of the tests if the same worker has just ended another file: the first frame of
# its stack tells where it is from.
!repeated && /^# Unhandled error/ {
  lines[++found] = "failed: " file ": an error outside of its tests"
  unplaced = found
}
unplaced && /^error/ { said = 1 }
unplaced && /^-+$/ { said = 0 }
unplaced && said { add(unplaced, $0) }
unplaced && /^ +at .*:[0-9]+:[0-9]+\)?$/ {
  frame = $NF
  sub(/^\(/, "", frame)
  sub(/:[0-9]+:[0-9]+\)?$/, "", frame)
  if (index(frame, root "/") == 1) frame = substr(frame, length(root) + 2)
  lines[unplaced] = "failed: " frame ": an error outside of its tests"
  unplaced = said = 0
}
/^\((pass|fail)\) / { unplaced = said = 0 }

/^ *[0-9]+ (pass|fail|skip|todo)$/ { n[$2] = $1; next }
/^ *[0-9]+ (filtered out|error|errors|expect\(\) calls?)$/ || /^ *[0-9]+ snapshots?,/ { next }
/^Ran [0-9]+ tests? across/ { passed = n["pass"]; failed = n["fail"]; skipped = n["skip"] + n["todo"] }
{ delete n }

# A log is read from its end: what stands here must stay short.
function add(test, line) {
  if (line ~ /^ *$/ || ++told[test] > 12) return
  why[test] = why[test] "    " substr(line, 1, 156) "\n"
}

function attribute(line, key,  value) {
  if (!match(line, " " key "=\"[^\"]*\"")) return ""
  value = substr(line, RSTART, RLENGTH)
  return substr(value, length(key) + 4, length(value) - length(key) - 4)
}

function plain(text) {
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&quot;/, "\"", text)
  gsub(/&apos;/, "'", text)
  gsub(/&#9;/, "\t", text)
  gsub(/&#13;/, "", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

# The report names a test without the groups that it is in; tests of one name stand in the order in which they ran.
function explain(file, name, text,  i, parts, count, line) {
  for (i = 1; i <= found; i++)
    if (!(i in explained) && files[i] == file && (names[i] == name || endsWith(names[i], " > " name))) break
  if (i > found) return
  explained[i] = 1
  count = split(text, parts, /&#10;/)
  for (line = 1; line <= count; line++) add(i, plain(parts[line]))
}

function endsWith(text, end) {
  return length(text) >= length(end) && substr(text, length(text) - length(end) + 1) == end
}

function readErrors(  line, file, name, text) {
  while ((getline line < junit) > 0) {
    if (line ~ /^ *<testcase /) {
      file = plain(attribute(line, "file"))
      name = plain(attribute(line, "name"))
    }
    if (line !~ /^ *<failure /) continue
    text = line
    # The text between the tags has the stack, too; one that timed out has none.
    if (!sub(/<\/failure>$/, "", text) || !sub(/^ *<failure [^>]*>/, "", text)) text = attribute(line, "message")
    explain(file, name, text)
  }
}

END {
  if (junit != "") readErrors()
  for (i = 1; i <= found; i++) {
    print lines[i]
    if (i <= 20) printf "%s", why[i]
  }
  if (code != 0 && failed == 0) failed = 1
  if (code != 0 && found == 0) print "failed: bun test itself, with " code ": see what it said"
  printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}
