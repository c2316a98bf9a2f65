"""The two engines as run.py measures them, and the program that takes the machine's limits. Standard library only."""

import json
import os
import random
import struct
import subprocess
import tempfile
import threading
import time


class NotRun(Exception):
    """Why something could not be measured, in a line."""


class Server:
    """A program that answers a line on stdin with a line on stdout."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            reason = self.process.stderr.read().strip().splitlines()
            raise NotRun(reason[-1] if reason else f"ended with status {self.process.returncode}")
        return json.loads(line)

    def ask(self, *words):
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def watched(command, **options):
    """Runs a command: (seconds on the wall, peak resident bytes, peak proportional bytes, status, output)."""
    with tempfile.TemporaryFile(mode="w+") as output:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
        peak = [0]

        def look():
            while process.returncode is None:
                try:
                    with open(f"/proc/{process.pid}/smaps_rollup") as file:
                        for line in file:
                            if line.startswith("Pss:"):
                                peak[0] = max(peak[0], int(line.split()[1]) * 1024)
                except OSError:
                    pass
                time.sleep(0.05)

        watcher = threading.Thread(target=look)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watcher.join()
        output.seek(0)
        return seconds, usage.ru_maxrss * 1024, peak[0], process.returncode, output.read()


class LlamaCpp:
    """A GGUF file in a llamacpp-driver, loaded when first asked for."""

    def __init__(self, driver, path):
        self.driver, self.path, self.server = driver, path, None

    def ask(self, *words):
        if self.server is None:
            self.server = Server(self.driver, self.path)
            self.server.answer()
        return self.server.ask(*words)

    def prefill(self, threads, tokens, times):
        return self.ask("prefill", threads, tokens, times)["seconds"]

    def decode(self, threads, sequences, prompt, tokens, times):
        return self.ask("decode", threads, sequences, prompt, tokens, times)["seconds"]

    def greedy(self, threads, new, prompt):
        return self.ask("greedy", threads, new, *prompt)["tokens"]

    def load(self, threads):
        """Seconds, peak resident and peak proportional bytes of a process that loads, computes one token and ends."""
        with tempfile.TemporaryFile(mode="w+") as commands:
            commands.write(f"greedy {threads} 1 1 3\n")
            commands.seek(0)
            command = [self.driver, self.path, str(threads)]
            seconds, resident, proportional, status, output = watched(command, stdin=commands)
        if status != 0:
            raise NotRun(output.strip().splitlines()[-1])
        return seconds, resident, proportional

    def close(self):
        if self.server is not None:
            self.server.close()
            self.server = None


class Podium:
    """A checkpoint folder run by the host, a process for each measurement, which is not part of what is timed."""

    def __init__(self, host, plugin, folder, options, vocabulary):
        self.host, self.plugin, self.folder, self.options, self.vocabulary = host, plugin, folder, options, vocabulary

    def command(self, scratch, prompts, words):
        """`prompts`: lists of token ids, all issued as one Offline query."""
        with open(os.path.join(scratch, "prompts.jsonl"), "w") as file:
            for prompt in prompts:
                file.write(json.dumps({"input_ids": prompt}) + "\n")
        with open(os.path.join(scratch, "user.conf"), "w") as file:
            file.write(f"*.*.performance_sample_count_override = {len(prompts)}\n"
                       "*.Offline.min_duration = 0\n*.Offline.min_query_count = 1\n"
                       f"*.Offline.max_query_count = 1\n*.Offline.target_qps = {len(prompts)}\n")
        return [self.host, "--plugin", self.plugin, "--scenario", "offline", "--model", self.folder, "--dataset",
                os.path.join(scratch, "prompts.jsonl"), "--user-conf", os.path.join(scratch, "user.conf"),
                f"harness_config.output_log_dir={scratch}/logs", "model_config.stop_at_eos=false",
                "harness_config.enable_warmup=false", f"model_config.max_batch={len(prompts)}", *self.options, *words]

    def run(self, prompts, *words):
        """Seconds from the start of the run to each sample's first token, and to its end."""
        with tempfile.TemporaryDirectory() as scratch:
            command = self.command(scratch, prompts, words)
            run = subprocess.run(command, capture_output=True, text=True)
            path = os.path.join(scratch, "logs", "samples.safetensors")
            if run.returncode not in (0, 2) or not os.path.exists(path):
                raise NotRun(reason(run.stdout + run.stderr))
            samples = read_samples(path)
            if any(samples["failed"]) or min(samples["completed_ns"]) < 0:
                raise NotRun(reason(run.stdout + run.stderr))
        return [t * 1e-9 for t in samples["first_token_ns"]], [t * 1e-9 for t in samples["completed_ns"]]

    def prefill(self, threads, tokens, times):
        """Prompts one after the other, a step for each: what lies between their first tokens, from the second on."""
        draw = random.Random(0)
        prompts = [[1] + [draw.randrange(3, self.vocabulary) for _ in range(tokens - 1)] for _ in range(times + 1)]
        firsts, _ = self.run(
            prompts, f"threads={threads}", "model_config.max_new_tokens=1",
            f"model_config.prefill_chunk={tokens}", f"model_config.kv_cache_tokens={(times + 1) * (tokens + 32)}")
        firsts.sort()
        return [later - earlier for earlier, later in zip(firsts, firsts[1:])]

    def decode(self, threads, sequences, prompt, tokens, times):
        """All sequences' first tokens come from one step; after them there are `tokens` steps of one token for each."""
        found = []
        for time_index in range(times):
            draw = random.Random(time_index)
            prompts = [[1] + [draw.randrange(3, self.vocabulary) for _ in range(prompt - 1)] for _ in range(sequences)]
            firsts, ends = self.run(
                prompts, f"threads={threads}", f"model_config.max_new_tokens={tokens + 1}",
                f"model_config.prefill_chunk={sequences * prompt}",
                f"model_config.kv_cache_tokens={sequences * (prompt + tokens + 32)}")
            seconds = max(ends) - max(firsts)
            if max(firsts) - min(firsts) > 0.02 * seconds:
                raise NotRun("the sequences did not start in the same step")
            found.append(seconds)
        return found

    def greedy(self, threads, new, prompt):
        with tempfile.TemporaryDirectory() as scratch:
            command = self.command(scratch, [prompt], ["test_mode=accuracy",
                                                       f"threads={threads}", f"model_config.max_new_tokens={new}"])
            run = subprocess.run(command, capture_output=True, text=True)
            path = os.path.join(scratch, "logs", "mlperf_log_accuracy.json")
            if run.returncode not in (0, 2) or not os.path.exists(path):
                raise NotRun(reason(run.stdout + run.stderr))
            with open(path) as file:
                data = bytes.fromhex(json.load(file)[0]["data"])
        return list(struct.unpack(f"<{len(data) // 4}i", data))

    def load(self, threads):
        """As LlamaCpp.load."""
        with tempfile.TemporaryDirectory() as scratch:
            command = self.command(scratch, [[1, 3]], [f"threads={threads}",
                                                       "model_config.max_new_tokens=1",
                                                       "model_config.prefill_chunk=512",
                                                       "model_config.kv_cache_tokens=512"])
            seconds, resident, proportional, status, output = watched(command, stdin=subprocess.DEVNULL)
        if status not in (0, 2):
            raise NotRun(reason(output))
        return seconds, resident, proportional

    def close(self):
        pass


def reason(output):
    """The line of a run's output that says why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("rror", "podium: "):
        for line in lines:
            if mark in line:
                return line[-300:]
    return lines[-1][-300:] if lines else "it said nothing"


def read_samples(path):
    """Tensors of samples.safetensors (docs/report.md) as lists."""
    letters = {"I64": "q", "U64": "Q", "U8": "B"}
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    found = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            first, last = tensor["data_offsets"]
            letter = letters[tensor["dtype"]]
            found[name] = list(struct.unpack(f"<{(last - first) // struct.calcsize(letter)}{letter}", data[first:last]))
    return found


class Limits:
    """The machine's limits at this moment, from the `limits` program."""

    def __init__(self, program):
        self.server = Server(program)

    def rate(self, kind, threads, milliseconds=150):
        """Bytes or operations per second."""
        return self.server.ask(kind, threads, milliseconds) * 1e9
