# http.sh METHOD PATH: sends a request to VictoriaMetrics, with the standard input as its body,
# and prints the body of the answer. It needs bash, because PostgreSQL's image has no HTTP client.
# HTTP/1.0 has no chunks, and the server closes the connection at the end of the answer.
set -eu
method=$1 path=$2
body=$(mktemp "$WORK/body.XXXXXX")
trap 'rm -f "$body"' EXIT
cat > "$body"
exec 3<> "/dev/tcp/$METRICS_HOST/$METRICS_PORT"
printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %s\r\n\r\n' "$method" "$path" "$METRICS_HOST" "$(wc -c < "$body")" >&3
cat "$body" >&3
read -r _ status _ <&3
while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
case $status in
  2??) cat <&3 ;;
  *)
    echo "VictoriaMetrics answers $status: $(head -c 1000 <&3)" >&2
    exit 1
    ;;
esac
