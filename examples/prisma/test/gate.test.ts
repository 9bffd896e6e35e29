import assert from "node:assert/strict";
import { test } from "node:test";

import { Busy, Gate } from "../src/gate.js";

test("a gate admits its size at once, and the others in the order in which they came", async () => {
  const gate = new Gate(2, 10_000);
  const admitted: number[] = [];
  const enter = async (n: number) => {
    await gate.enter();
    admitted.push(n);
  };
  const entering = [1, 2, 3, 4].map(enter);
  await Promise.all(entering.slice(0, 2));
  assert.deepEqual([gate.holders, gate.waiting], [2, 2]);
  gate.leave();
  await entering[2];
  assert.deepEqual(admitted, [1, 2, 3]);
  gate.leave();
  await entering[3];
  gate.leave();
  gate.leave();
  assert.deepEqual([gate.holders, gate.waiting], [0, 0]);
});

test("a gate rejects with Busy who waited too long, and keeps no place for him", async () => {
  const gate = new Gate(1, 1);
  await gate.enter();
  await assert.rejects(gate.enter(), Busy);
  gate.leave();
  assert.deepEqual([gate.holders, gate.waiting], [0, 0]);
});
