"""Writes the golden prompts beside this file from what the makers published, none of it this project's code.

    python3 generate.py <folder of chat templates> && npx biome format --write .    (needs jinja2, Hugging Face's engine)

The folder holds the chat_template of the repositories that main() names, one file each. Those marked `abridged` were
copied by hand without the branches that no case here reaches (images, built-in tools, tools where none are given).
Models without a template are rendered by short transcriptions of their reference code.
"""
import hashlib, json, pathlib, sys
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
def message(role): return lambda content: {"role": role, "content": content}
S, U, A = message("system"), message("user"), message("assistant")

FEW_SHOT = [
    U("You are a sentiment classifier. For each message, give the percentage of positive/netural/negative."),
    U("I liked it"), A("70% positive 30% neutral 0% negative"),
    U("It could be better"), A("0% positive 50% neutral 50% negative"),
    U("It's fine"), A("25% positive 50% neutral 25% negative"),
    U("I thought it was okay"),
]
CODE = "Fix this:\n\n```ts\nconst a = `{{ x }}`; // {% if %} {# no #}\n\tif (a < b || c > d) return [INSTRUCT]\n```\n"

# name, messages, and, where strict turns cannot hold them, what those models are given by the rules: system text in
# front, neighbours of one role with a blank line between them, an empty user before an assistant who speaks first.
CHATS = [
    ("one question", [U("Hello!")], None),
    ("system and question", [S("You are a helpful assistant."), U("What is the capital of France?")], None),
    ("two turns with system", [S("You are a helpful assistant."), U("Hi"), A("Hello! How can I help?"), U("Name a llama.")], None),
    ("the guide's few-shot example", FEW_SHOT, [U(FEW_SHOT[0]["content"] + "\n\n" + FEW_SHOT[1]["content"])] + FEW_SHOT[2:]),
    ("the guide's role prompt", [S("Your role is a machine learning expert who gives highly technical advice to senior engineers."), U("Explain the pros and cons of using PyTorch.")], None),
    ("space around contents", [U("  Hi \n"), A("\tHo "), U(" Hi")], None),
    ("many scripts", [U("¿Qué día es? 今日は何日 🦙 naïve Ω"), A("Ñandú 👍🏽"), U("Дальше")], None),
    ("code with braces", [S("Be terse."), U(CODE)], None),
    ("system alone", [S("Be brief.")], [S("Be brief."), U("")]),
    ("an empty question", [U("")], None),
    ("an empty system", [S(""), U("Hi")], None),
    ("a late system", [U("a"), A("b"), S("Now in verse."), U("c")], [S("Now in verse."), U("a"), A("b"), U("c")]),
    ("two systems", [S("A"), S("B"), U("Hi")], [S("A\n\nB"), U("Hi")]),
    ("the assistant first", [A("Welcome."), U("Hi")], [U(""), A("Welcome."), U("Hi")]),
    ("neighbours", [U("a"), A("b"), A("c"), U("d"), U("e")], [U("a"), A("b\n\nc"), U("d\n\ne")]),
    ("an answer begun", [U("Write JSON."), A('{"a":')], None),
    ("an answer begun, ending in a space", [S("Be exact."), U("2+2?"), A("The answer is ")], None),
    ("five turns", sum([[U(f"Question {n}?"), A(f"Answer {n}.")] for n in range(1, 5)], []) + [U("Question 5?")], None),
    ("a question of spaces", [U("a"), A("b"), U("  ")], None),
    ("a list asked and given", [U("Three llamas, as a list.\n"), A("1. Kuzco\n2. Tina\n3. Llarry\n"), U("Which one is from Idaho?")], None),
    ("almost marks", [U("\n\n<|im|> < |eot_id|> [ INST ] <s > a<b>c\n"), A("<<SYS> >"), U("\\[INST\\]")], None),
]
THOUGHTS = [
    ("earlier thoughts", [U("a"), A("<think>\nhm </think> hm\n</think>\n\nb"), U("c"), A("<think></think>d"), U("e")], None),
    ("thoughts without an end", [U("a"), A("<think>hm"), U("c")], None),
]
ALL = [name for name, _, _ in CHATS]
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather in a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "enum": ["Cusco", "Lima"]}, "days": {"type": "integer"}}, "required": ["city"]}}}
TIME = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}
def call(*calls, content=""):
    return {"role": "assistant", "content": content, "tool_calls": [
        {"id": f"call{n:05d}", "type": "function", "function": {"name": name, "arguments": arguments}} for n, (name, arguments) in enumerate(calls)]}
def result(n, content): return {"role": "tool", "tool_call_id": f"call{n:05d}", "content": content}
TOOL_CHATS = [
    ("one tool", [U("Weather in Cusco?")], [WEATHER]),
    ("two tools and a system", [S("You are terse."), U(" Weather in Cusco? ")], [WEATHER, TIME]),
    ("a call and its result", [S("You are terse."), U("Weather in Cusco?"), call(("get_weather", {"city": "Cusco", "days": 2})), result(0, '{"t": 12, "s": "¡sol!"}')], [WEATHER]),
    ("a call answered, and on", [U("Time?"), call(("now", {})), result(0, "12:00"), A("Noon."), U("Thanks")], [TIME]),
]
TWO_CALLS = [("two calls at once", [U("Both?"), call(("get_weather", {"city": "Lima"}), ("now", {}), content="Looking."), result(0, "20"), result(1, "12:00")], [WEATHER, TIME])]

def hugging_face(text, bos="", eos="", tidy=lambda s: s, **more):
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    env.filters["tojson"] = lambda x, indent=None, **_: json.dumps(x, ensure_ascii=False, indent=indent)
    def fail(why): raise ValueError(why)
    env.globals.update(raise_exception=fail, **{k: more.pop(k) for k in list(more) if callable(more[k])})
    template = env.from_string(text)
    def render(messages, tools):
        begun_answer = messages[-1] if messages[-1]["role"] == "assistant" else None
        shared = dict(messages=messages, bos_token=bos, eos_token=eos, add_generation_prompt=begun_answer is None, **more)
        out = template.render(**shared, **({"tools": tools} if tools else {}))
        if begun_answer:  # transformers' continue_final_message: cut after the last message's text
            content = begun_answer["content"]
            at = out.rindex(content) if content in out else out.rindex(content.strip())
            out = out[:at] + content
        return tidy(out)
    return render

def llama2(messages, _):
    """chat_completion of meta-llama/llama and meta-llama/codellama, generation.py; encode() pieces as text."""
    if messages[0]["role"] == "system":
        messages = [U("<<SYS>>\n" + messages[0]["content"] + "\n<</SYS>>\n\n" + messages[1]["content"])] + messages[2:]
    out = "".join(f"<s>[INST] {p['content'].strip()} [/INST] {a['content'].strip()} </s>" for p, a in zip(messages[::2], messages[1::2]))
    if messages[-1]["role"] == "user": return out + f"<s>[INST] {messages[-1]['content'].strip()} [/INST]"
    done = "".join(f"<s>[INST] {p['content'].strip()} [/INST] {a['content'].strip()} </s>" for p, a in zip(messages[:-2:2], messages[1:-2:2]))
    return done + f"<s>[INST] {messages[-2]['content'].strip()} [/INST] {messages[-1]['content'].lstrip()}"

def code_llama_70b(messages, _):
    """dialog_prompt_tokens of meta-llama/codellama, llama/generation.py; encode() pieces as text."""
    if messages[0]["role"] != "system": messages = [S("")] + messages
    begun = messages.pop()["content"].lstrip() if messages[-1]["role"] == "assistant" else ""
    out = "<s>"
    for m in messages:
        out += " " + f"Source: {m['role'].strip()}"
        if m["content"]: out += "\n\n " + m["content"].strip()
        out += "<step>"
    return out + " Source: assistant\nDestination: user" + "\n\n " + begun

def llama3(messages, _):
    """ChatFormat.encode_dialog_prompt of meta-llama/llama3, llama/tokenizer.py."""
    begun = messages.pop()["content"].lstrip() if messages[-1]["role"] == "assistant" else ""
    out = "<|begin_of_text|>"
    for m in messages: out += "<|start_header_id|>" + m["role"] + "<|end_header_id|>" + "\n\n" + m["content"].strip() + "<|eot_id|>"
    return out + "<|start_header_id|>" + "assistant" + "<|end_header_id|>" + "\n\n" + begun

def get_buffer_string(messages, _):
    """get_buffer_string of langchain_core/messages/utils.py, prefixes USER and ASSISTANT."""
    return "\n".join(f"{ {'user': 'USER', 'assistant': 'ASSISTANT'}[m['role']] }: {m['content']}" for m in messages)

def chatml(messages, _):
    """openai-python chatml.md: <|im_start|>{role}\\n{content}<|im_end|>\\n."""
    begun = messages.pop()["content"] if messages[-1]["role"] == "assistant" else ""
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages) + "<|im_start|>assistant\n" + begun

def blank_lines(messages, _): return "\n\n".join(m["content"] for m in messages)

ABRIDGED = ["llama4.jinja", "deepseek_r1.jinja", "deepseek_v3_1.jinja", "gptoss.jinja", "mistral_v1_spm.jinja", "mistral_v3_spm.jinja", "mistral_v3.jinja", "mistral_v13.jinja"]

def main(folder):
    def jinja(name):
        text = (pathlib.Path(folder) / name).read_text()
        return text, hashlib.sha256(text.encode()).hexdigest()[:16]
    def hf(family, file, where, strict=False, tools=(), options=None, only=(), without=(), thoughts=False, **kw):
        text, sha = jinja(file)
        how = "abridged, " if file in ABRIDGED else ""
        write(family, f"{where}, chat_template ({how}sha256 {sha}…), rendered with Python's jinja2", hugging_face(text, **kw), strict, tools, options or {}, only, without, thoughts)

    def write(family, source, render, strict, tools=(), options={}, only=(), without=(), thoughts=False):
        cases = []
        for name, messages, merged in CHATS + (THOUGHTS if thoughts else []):
            if family == "guide-buffer":  # the reference has no word for a system message
                messages, merged = [m for m in messages if m["role"] != "system"], None
                if not messages: continue
            if name in without: continue
            rules = ALL if strict else only
            given = merged if merged and name in rules else messages
            cases.append({"name": name, "messages": messages, "expected": render([dict(m) for m in given], None)})
        for name, messages, with_tools in tools:
            cases.append({"name": name, "messages": messages, "tools": with_tools, "expected": render([dict(m) for m in messages], with_tools)})
        variant = "".join("-" + str(options[k]) for k in ("variant",) if k in options)
        body = {"family": family, "options": options, "source": source, "cases": cases}
        (HERE / f"{family}{variant}.json").write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n")
        print(family + variant, len(cases))

    meta = "transcribed from "
    write("llama-2", meta + llama2.__doc__, llama2, True)
    write("code-llama", meta + llama2.__doc__, llama2, True)
    write("code-llama-70b", meta + code_llama_70b.__doc__, code_llama_70b, True)
    for family in ("llama-3", "llama-3.1"): write(family, meta + llama3.__doc__, llama3, False)
    write("guide-buffer", meta + get_buffer_string.__doc__, get_buffer_string, False)
    write("chatml", meta + chatml.__doc__, chatml, False)
    write("plain", "the texts, a blank line apart", blank_lines, False)
    day = {"date": "2024-07-26"}
    hf("llama-3.3", "llama3_2.jinja", "meta-llama/Llama-3.2-3B-Instruct", bos="<|begin_of_text|>", tools=TOOL_CHATS, options={"variant": "hf", **day})
    hf("llama-4", "llama4.jinja", "transformers, models/llama4/processing_llama4.py", bos="<|begin_of_text|>", tools=TOOL_CHATS + TWO_CALLS)
    hf("qwen2.5", "qwen2_5.jinja", "Qwen/Qwen2.5-7B-Instruct", tools=TOOL_CHATS + TWO_CALLS)
    hf("qwen3", "qwen3.jinja", "Qwen/Qwen3-8B", thoughts=True, tools=TOOL_CHATS + TWO_CALLS)
    hf("qwen3", "qwen3.jinja", "Qwen/Qwen3-8B", options={"variant": "no-think"}, enable_thinking=False)
    ds = dict(bos="<｜begin▁of▁sentence｜>")
    hf("deepseek-v3", "deepseek_v3.jinja", "deepseek-ai/DeepSeek-V3", **ds)
    hf("deepseek-r1", "deepseek_r1.jinja", "deepseek-ai/DeepSeek-R1-0528", thoughts=True, **ds)
    # V3.1's template asks for no answer to a system message alone; a chat that is sent wants one.
    ds["without"] = ("system alone",)
    hf("deepseek-v3.1", "deepseek_v3_1.jinja", "deepseek-ai/DeepSeek-V3.1", thoughts=True, **ds)
    hf("deepseek-v3.1", "deepseek_v3_1.jinja", "deepseek-ai/DeepSeek-V3.1", options={"variant": "thinking"}, thinking=True, **ds)
    hf("gpt-oss", "gptoss.jinja", "openai/gpt-oss-20b", options={"date": "2025-06-28"}, only=("a late system", "two systems"), strftime_now=lambda _: "2025-06-28")
    mistral = dict(bos="<s>", eos="</s>", strict=True)
    mc = "mistralai/mistral-common, integrations/chat_templates/templates/"
    # The space after a sequence's mark is SentencePiece's dummy space made visible; the tokenizer puts it there itself.
    hf("mistral", "mistral_v1_spm.jinja", mc + "v1_spm.jinja", tidy=lambda s: s.replace("<s> [INST]", "<s>[INST]").replace("</s> [INST]", "</s>[INST]"), **mistral)
    # An empty text has no dummy space.
    hf("mixtral-8x22b", "mistral_v3_spm.jinja", mc + "v3_spm.jinja", tidy=lambda s: s.replace("[INST] [/INST]", "[INST][/INST]"), **mistral)
    # v13 aggregates neighbours itself and keeps system messages where they are: it is given them aggregated.
    hf("mistral-3", "mistral_v13.jinja", mc + "v13.jinja", bos="<s>", eos="</s>", tools=TOOL_CHATS + TWO_CALLS,
       only=("the guide's few-shot example", "the assistant first", "neighbours", "system alone"))
    hf("mistral-nemo", "mistral_v3.jinja", mc + "v3.jinja", **mistral)

if __name__ == "__main__": main(sys.argv[1])
