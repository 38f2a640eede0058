# POSIX sh. Sourced by ./trimtab: points JAVA_HOME at a JDK >= TRIMTAB_JDK_MIN.
# Never starts a JVM to look: it reads the "release" file every JDK since 9 carries.
TRIMTAB_JDK_MIN=${TRIMTAB_JDK_MIN:-25}

# prints the feature version (e.g. 25) of the JDK at $1; fails when $1 is no JDK (a JRE has no javac)
trimtab_jdk_feature() {
  [ -n "${1-}" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  _v=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9]*\).*/\1/p' "$1/release" | head -n 1)
  [ -n "$_v" ] && printf '%s\n' "$_v"
}

trimtab_find_jdk() {
  # 1. what the user asked for: TRIMTAB_JAVA_HOME, JAVA_HOME, then the java on PATH
  for _c in "${TRIMTAB_JAVA_HOME-}" "${JAVA_HOME-}" "$(trimtab_path_java_home)"; do
    _f=$(trimtab_jdk_feature "$_c") && [ "$_f" -ge "$TRIMTAB_JDK_MIN" ] && { printf '%s\n' "$_c"; return 0; }
  done
  # 2. the usual install places; the lowest version that is new enough wins
  _best= _bestf=999
  for _c in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/*jdk* /opt/java/* /opt/jdk* /opt/*jdk* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.asdf/installs/java/* \
    "$HOME"/.local/share/mise/installs/java/* "$HOME"/.jabba/jdk/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    _f=$(trimtab_jdk_feature "$_c") || continue
    if [ "$_f" -ge "$TRIMTAB_JDK_MIN" ] && [ "$_f" -lt "$_bestf" ]; then _best=$_c _bestf=$_f; fi
  done
  [ -n "$_best" ] && printf '%s\n' "$_best"
}

trimtab_path_java_home() {
  _j=$(command -v java 2>/dev/null) || return 0
  _j=$(readlink -f "$_j" 2>/dev/null || printf '%s' "$_j")
  printf '%s\n' "${_j%/bin/java}"
}

if _jh=$(trimtab_find_jdk) && [ -n "$_jh" ]; then
  JAVA_HOME=$_jh
  export JAVA_HOME
else
  cat >&2 <<EOF
trimtab needs a JDK $TRIMTAB_JDK_MIN or newer, and none was found
  (looked at \$TRIMTAB_JAVA_HOME, \$JAVA_HOME, java on PATH, /usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks, ...).
Install one (for example Temurin 25) and run this again, or point at it:
  TRIMTAB_JAVA_HOME=/path/to/jdk-25 $0 $*
EOF
  exit 1
fi
