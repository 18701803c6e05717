"""Writes conversations.json beside this file: random conversations with tools, and what the makers' own code makes of
them, none of it this project's code.

    python3 conversations.py [how many] [seed] > conversations.json && npx biome format --write .

It needs jinja2 and openai-harmony 0.0.8 (PyPI), and the templates in ../makers (see the README there).
"""
import base64, json, os, pathlib, random, struct, sys, tempfile
from generate import hugging_face

HERE = pathlib.Path(__file__).parent
MAKERS = HERE.parent / "makers"
sys.path.insert(0, str(MAKERS))
DAY = "2025-06-28"

WORDS = ["Look", "at", "the", "knots", "¡qué", "día!", "结绳", "记事", "🦙", "naïve", "x=1;", "\n", "\n\n", "  ", "\t", "“a”",
         '"q"', "\\n", "a\\b", "{}", "</p>", "1234567", "3.14", "don't", "I'LL", "Ω", "e\u0301", "…", "`ls -la`", "//", "|", "#"]
NAMES = ["look", "exec_command", "Read", "mcp__files__list", "add-2"]
KEYS = ["path", "limit", "deep", "tags", "when", "ünit", "a b"]

def text(r, most=12):
    return " ".join(r.choice(WORDS) for _ in range(r.randint(1, most)))

def maybe(r, share, value): return value() if r.random() < share else None

def value(r, depth=2):
    kind = r.randint(0, 7 if depth else 4)
    if kind < 2: return text(r, 3)
    if kind == 2: return r.randint(-5, 10**6)
    if kind == 3: return r.choice([True, False, None])
    if kind == 4: return r.choice([0.5, -2.25, 1e-3])
    if kind < 6: return [value(r, depth - 1) for _ in range(r.randint(0, 3))]
    return {key: value(r, depth - 1) for key in r.sample(KEYS, r.randint(0, 3))}

def schema(r, depth=2):
    kind = r.choice(["string", "number", "integer", "boolean", "null", "enum", "array", "list", "any", "oneOf", "anyOf", "object", "bare"][: 13 if depth else 6])
    out = {}
    if kind == "enum": out = {"type": "string", "enum": [text(r, 1) for _ in range(r.randint(1, 3))]}
    elif kind == "array": out = {"type": "array", "items": schema(r, depth - 1)} if r.random() < 0.8 else {"type": "array"}
    elif kind == "list": out = {"type": r.sample(["string", "integer", "null", "object"], r.randint(1, 3))}
    elif kind in ("oneOf", "anyOf"): out = {kind: [schema(r, depth - 1) for _ in range(r.randint(1, 3))]}
    elif kind == "object": out = object_schema(r, depth - 1)
    elif kind == "bare": out = {"type": "object", "additionalProperties": r.choice([False, True, {"type": "string"}])}
    elif kind != "any": out = {"type": kind}
    if r.random() < 0.5: out["description"] = text(r, 6)
    if r.random() < 0.2: out["default"] = value(r, 1)
    if r.random() < 0.1: out["nullable"] = True
    if r.random() < 0.1: out["title"] = text(r, 2)
    if r.random() < 0.1: out["examples"] = [text(r, 2), 3]
    return out

def object_schema(r, depth=2):
    keys = r.sample(KEYS, r.randint(0, 4))
    return {"type": "object", "properties": {key: schema(r, depth) for key in keys}, "required": r.sample(keys, r.randint(0, len(keys)))}

def tool(r, name):
    function = {"name": name}
    if r.random() < 0.9: function["description"] = text(r, 10)
    function["parameters"] = object_schema(r)
    if r.random() < 0.2: function["strict"] = r.choice([True, False])
    return {"type": "function", "function": function}

def conversation(r):
    """A chat that ends where a model answers: with a user's message or with results."""
    tools = [tool(r, name) for name in r.sample(NAMES, r.randint(1, 3))] if r.random() < 0.7 else []
    names = [one["function"]["name"] for one in tools] or NAMES[:2]
    messages, ids = [], iter(range(1000))
    # Qwen's and DeepSeek's templates write an empty system message in their own way.
    if r.random() < 0.6: messages.append({"role": "system", "content": text(r) if r.random() < 0.9 else ""})
    most = r.choice([1, 1, 3])
    for turn in range(r.randint(1, 3)):
        for _ in range(r.choice([1, 1, 1, 2])): messages.append({"role": "user", "content": text(r) if r.random() < 0.95 else ""})
        for _ in range(r.randint(0, 3) if tools or r.random() < 0.2 else 0):
            calls = [{"id": f"call{next(ids):05d}", "type": "function", "function": {"name": r.choice(names), "arguments": {key: value(r) for key in r.sample(KEYS, r.randint(0, 3))}}} for _ in range(r.randint(1, most))]
            said = {"role": "assistant", "content": r.choice(["", "", text(r, 5)]), "tool_calls": calls}
            if r.random() < 0.5: said["reasoning"] = text(r, 8)
            messages.append(said)
            results = [{"role": "tool", "tool_call_id": one["id"], "content": r.choice([text(r, 20), json.dumps(value(r)), ""])} for one in calls]
            if r.random() < 0.2: results.reverse()
            messages += results
        last = messages[-1]["role"] == "tool" and r.random() < 0.4
        if last and turn > 0: return messages, tools
        if turn < 2 and r.random() < 0.8:
            said = {"role": "assistant", "content": text(r, 10)}
            if r.random() < 0.5: said["reasoning"] = text(r, 8)
            messages.append(said)
        if r.random() < 0.1: messages.append({"role": "system", "content": text(r, 5)})
    if messages[-1]["role"] not in ("user", "tool"): messages.append({"role": "user", "content": text(r)})
    return messages, tools

def late_system(messages): return any(m["role"] == "system" for m in messages[1:])

def as_reasoning(name):
    """The messages with their reasoning in the field that the code reads."""
    def of(m): return {**{k: v for k, v in m.items() if k != "reasoning"}, **({name: m["reasoning"]} if "reasoning" in m else {})}
    return lambda messages: [of(m) for m in messages]

def jinja(file, **more):
    render = hugging_face((MAKERS / file).read_text(), **more)
    field = as_reasoning("reasoning_content")
    def of(messages, tools):
        try: return render(field(messages), tools or None)
        except ValueError: return None
    return of

def deepseek_v4(thinking, effort=None):
    from deepseek_v4_encoding import encode_messages
    def of(messages, tools):
        if late_system(messages): return None
        messages = [dict(m) for m in messages]
        for m in messages:
            if "tool_calls" in m: m["tool_calls"] = [{**c, "function": {**c["function"], "arguments": json.dumps(c["function"]["arguments"], ensure_ascii=False)}} for c in m["tool_calls"]]
        # As vllm/tokenizers/deepseek_v4.py does.
        if tools and messages[0]["role"] != "system": messages.insert(0, {"role": "system"})
        if tools: messages[0]["tools"] = tools
        return encode_messages(messages, "thinking" if thinking else "chat", reasoning_effort=effort)
    return of

def o200k():
    """The vocabulary as a file that openai-harmony reads, instead of the one it would fetch."""
    data = (HERE.parents[2] / "src/assets/vocab/o200k.bin").read_bytes()
    count, _ = struct.unpack("<II", data[:8])
    at, folder = 8 + count, tempfile.mkdtemp()
    with open(f"{folder}/o200k_base.tiktoken", "w") as out:
        for rank, length in enumerate(data[8 : 8 + count]):
            out.write(f"{base64.b64encode(data[at : at + length]).decode()} {rank}\n")
            at += length
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = folder

def harmony(effort):
    o200k()
    import openai_harmony as h
    encoding = h.load_harmony_encoding(h.HarmonyEncodingName.HARMONY_GPT_OSS)
    efforts = {"low": h.ReasoningEffort.LOW, "medium": h.ReasoningEffort.MEDIUM, "high": h.ReasoningEffort.HIGH}
    def described(one):
        f = one["function"]
        return h.ToolDescription.new(f["name"], f.get("description", ""), f["parameters"])
    def of(messages, tools):
        if late_system(messages): return None
        names = {c["id"]: c["function"]["name"] for m in messages for c in m.get("tool_calls", [])}
        system = h.SystemContent.new().with_conversation_start_date(DAY).with_reasoning_effort(efforts[effort])
        out = [h.Message.from_role_and_content(h.Role.SYSTEM, system)]
        opening = messages[0]["content"] if messages[0]["role"] == "system" else ""
        if opening or tools:
            developer = h.DeveloperContent.new()
            if opening: developer = developer.with_instructions(opening)
            if tools: developer = developer.with_function_tools([described(one) for one in tools])
            out.append(h.Message.from_role_and_content(h.Role.DEVELOPER, developer))
        finals = [at for at, m in enumerate(messages) if m["role"] == "assistant" and "tool_calls" not in m]
        for at, m in enumerate(messages):
            def said(content, channel): return h.Message.from_role_and_content(h.Role.ASSISTANT, content).with_channel(channel)
            if m["role"] == "user": out.append(h.Message.from_role_and_content(h.Role.USER, m["content"]))
            elif m["role"] == "tool":
                author = h.Author.new(h.Role.TOOL, f"functions.{names[m['tool_call_id']]}")
                out.append(h.Message.from_author_and_content(author, m["content"]).with_channel("commentary").with_recipient("assistant"))
            elif m["role"] == "assistant":
                # docs/format.md: thoughts before the last final answer are dropped.
                if m.get("reasoning") and at > max(finals, default=-1): out.append(said(m["reasoning"], "analysis"))
                if "tool_calls" not in m: out.append(said(m["content"], "final"))
                elif m["content"]: out.append(said(m["content"], "commentary"))
                for c in m.get("tool_calls", []):
                    # Unchanged, as the client wrote them.
                    arguments = json.dumps(c["function"]["arguments"], ensure_ascii=False, separators=(",", ":"))
                    out.append(said(arguments, "commentary").with_recipient(f"functions.{c['function']['name']}").with_content_type("json"))
        tokens = encoding.render_conversation_for_completion(h.Conversation.from_messages(out), h.Role.ASSISTANT, config=h.RenderConversationConfig(auto_drop_analysis=False))
        return encoding.decode_utf8(tokens)
    return of

MAKER = "DeepSeek's encoding_dsv4.py as vllm 0.33.0 has it"
FAMILIES = [
    ("qwen3", {}, "Qwen/Qwen3-8B, chat_template", lambda: jinja("qwen3.jinja.txt")),
    ("qwen3", {"thinking": False}, "Qwen/Qwen3-8B, chat_template, enable_thinking false", lambda: jinja("qwen3.jinja.txt", enable_thinking=False)),
    ("deepseek-v4", {}, MAKER, lambda: deepseek_v4(True)),
    ("deepseek-v4", {"reasoningEffort": "high"}, MAKER, lambda: deepseek_v4(True, "high")),
    ("deepseek-v4", {"thinking": False}, MAKER, lambda: deepseek_v4(False)),
    ("gpt-oss", {"date": DAY}, "openai-harmony 0.0.8", lambda: harmony("medium")),
    ("gpt-oss", {"date": DAY, "reasoningEffort": "high"}, "openai-harmony 0.0.8", lambda: harmony("high")),
    ("llama-4", {}, "transformers 5.23.0, models/llama4/processing_llama4.py", lambda: jinja("llama-4.jinja.txt", bos="<|begin_of_text|>")),
]
# Llama 3's template is not copied here: LLAMA_3_JINJA is the path to it.
LLAMA_3 = ("llama-3.3", {"variant": "hf", "date": "2024-07-26"}, "meta-llama/Llama-3.2-3B-Instruct, chat_template", lambda: jinja(os.environ["LLAMA_3_JINJA"], bos="<|begin_of_text|>"))

def main(count, seed):
    r = random.Random(seed)
    chats = [conversation(r) for _ in range(count)]
    goldens = []
    for family, options, source, made in FAMILIES + ([LLAMA_3] if "LLAMA_3_JINJA" in os.environ else []):
        render = made()
        goldens.append({"family": family, "options": options, "source": source, "expected": [render([dict(m) for m in messages], tools) for messages, tools in chats]})
    print(json.dumps({"chats": [{"messages": m, "tools": t} for m, t in chats], "goldens": goldens}, ensure_ascii=False, indent=1))

if __name__ == "__main__": main(int((sys.argv[1:] or ["24"])[0]), int((sys.argv[2:] or ["1"])[0]))
