#!/bin/sh
# The gateway by curl: what it would cost, a call, a stream.
#
#   sh examples/curl.sh
set -eu

url=${CHASQUI_URL:-http://127.0.0.1:8787/v1}

post() {
  curl --silent --show-error --no-buffer --fail-with-body "$url/$1" \
    -H "authorization: Bearer ${CHASQUI_KEY:-any}" -H 'content-type: application/json' -d "$2"
  echo
}

echo '== What every offer would do with it, and charge'
post offers '{
  "model": "llama-3.3-70b-instruct", "max_tokens": 100,
  "messages": [{"role": "user", "content": "What color is the sky?"}]}'

echo '== A chat, at the cheapest provider, for 1 cent at most'
post chat/completions '{
  "model": "llama-3.3-70b-instruct:floor", "max_tokens": 100, "provider": {"max_cost": 0.01},
  "messages": [{"role": "user", "content": "What color is the sky?"}]}'

echo '== The same as a stream, with the cost in its last chunk'
post chat/completions '{
  "model": "llama-3.3-70b-instruct", "max_tokens": 100, "stream": true, "stream_options": {"include_usage": true},
  "messages": [{"role": "user", "content": "What color is the sky?"}]}'

echo '== A raw prompt'
post completions '{"model": "llama-2-70b", "max_tokens": 20, "prompt": "The typical color of the sky is: "}'
