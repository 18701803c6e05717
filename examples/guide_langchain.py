"""Meta's guide "Prompt Engineering with Llama 2", with LangChain as the guide itself uses it.

pip install langchain-openai
python examples/guide_langchain.py

The guide calls Replicate directly. Here `completion` and `chat_completion` go through the gateway; the rest is the same.
"""

import os
import re
from collections import Counter

from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI, OpenAI

GATEWAY = {
    "base_url": os.environ.get("CHASQUI_URL", "http://127.0.0.1:8787/v1"),
    "api_key": os.environ.get("CHASQUI_KEY", "any"),
}

LLAMA2_70B_CHAT = "llama-2-70b-chat"
LLAMA2_13B_CHAT = "llama-2-13b-chat"
CODELLAMA_34B = "codellama-34b"


def completion(prompt, model=LLAMA2_70B_CHAT, temperature=0.6, top_p=0.9):
    llm = OpenAI(model=model, temperature=temperature, top_p=top_p, max_tokens=1000, **GATEWAY)
    return llm.invoke(prompt).strip()


def chat_completion(messages, model=LLAMA2_70B_CHAT, temperature=0.6, top_p=0.9):
    llm = ChatOpenAI(model=model, temperature=temperature, top_p=top_p, **GATEWAY)
    return llm.invoke(messages).text.strip()


def show(title, answer):
    print(f"== {title}\n{answer}\n")


show("Completion", completion("The typical color of the sky is: "))

show(
    "Chat",
    chat_completion(
        [
            HumanMessage("My favorite color is blue."),
            AIMessage("That's great to hear!"),
            HumanMessage("What is my favorite color?"),
        ]
    ),
)

for creativity in (0.01, 1.0):
    haiku = completion("Write a haiku about llamas", temperature=creativity, top_p=creativity)
    show(f"Temperature and top_p {creativity}", haiku)

show("Explicit instructions", completion("Describe quantum physics in one short sentence of no more than 12 words"))

show("Zero-shot", completion("Text: This was the best movie I've ever seen! \n The sentiment of the text is: "))

FEW_SHOT = [
    HumanMessage("You are a sentiment classifier. For each message, give the percentage of positive/netural/negative."),
    HumanMessage("I liked it"),
    AIMessage("70% positive 30% neutral 0% negative"),
    HumanMessage("It could be better"),
    AIMessage("0% positive 50% neutral 50% negative"),
    HumanMessage("It's fine"),
    AIMessage("25% positive 50% neutral 25% negative"),
]
show("Few-shot", chat_completion([*FEW_SHOT, HumanMessage("I loved it!")]))

show(
    "Role",
    completion(
        "Your role is a machine learning expert who gives highly technical advice to senior engineers who work with "
        "complicated datasets. Explain the pros and cons of using PyTorch."
    ),
)

show(
    "Chain of thought",
    completion("Who lived longer Elvis Presley or Mozart? Let's think through this carefully, step by step."),
)

# Five samples in one request; the majority wins.
sampler = ChatOpenAI(model=LLAMA2_70B_CHAT, temperature=0.9, n=5, **GATEWAY)
(samples,) = sampler.generate(
    [
        [
            HumanMessage(
                "John found that the average of 15 numbers is 40. If 10 is added to each number then the mean of the "
                "numbers is? Report the answer surrounded by three backticks, for example: ```123```"
            )
        ]
    ]
).generations
votes = Counter(match[1] for match in (re.search(r"```\s*(\d+)\s*```", one.text) for one in samples) if match)
show("Self-consistency", f"{votes.most_common()} -> {votes.most_common(1)[0][0]}")

TEMPERATURES = {"2023-12-11": "52 degrees Fahrenheit", "2023-12-12": "51 degrees Fahrenheit"}


def temperature_on(day):
    known = TEMPERATURES.get(day, "unknown temperature")
    return completion(
        f"Given the following information: 'The temperature in Menlo Park was {known} on {day}', "
        f"respond to: 'What is the temperature in Menlo Park on {day}?'"
    )


show("Retrieval, a day that is known", temperature_on("2023-12-12"))
show("Retrieval, a day that is not", temperature_on("2023-07-18"))

# The model writes the program. Read it before you run it.
show(
    "Program-aided",
    completion(
        "# Python code to calculate: ((-5 + 93 * 4 - 0) * (4**4 + -7 + 0 * 5))",
        model=CODELLAMA_34B,
        temperature=0.1,
        top_p=0.1,
    ),
)

show(
    "Only JSON",
    completion(
        "You are a robot that only outputs JSON. You reply in JSON format with the field 'zip_code'. Example question: "
        "What is the zip code of the Empire State Building? Example answer: {'zip_code': 10118} Now here is my "
        "question: What is the zip code of Menlo Park?",
        model=LLAMA2_13B_CHAT,
    ),
)
