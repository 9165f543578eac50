"""The run of ten minutes, which measures all that has a bound, and the long one."""

import asyncio
from pathlib import Path

from .actions import action_configuration, measure_actions
from .builds import Build
from .cloud import cloud_row, measure_cloud
from .instructions import measure_instructions
from .measure import Plan, Results, bench, many_chats, measure, measure_floods, say
from .memory import measure_memory, memory_rows
from .report import Row


async def measure_short(
    folder: Path, plan: Plan, builds: list[Build]
) -> tuple[Results, list[Row]]:
    """Measure it: what the machine's other work does not change first, all at once.

    Of the flood these are the rows that are written, not the times. Returns as well what
    is held while nothing happens.
    """
    results = Results(plan)
    async with asyncio.TaskGroup() as group:
        memory = group.create_task(measure_memory(folder, builds))
        cloud = group.create_task(measure_cloud("waha"))
        group.create_task(measure_floods(folder, plan, results))
        counts = group.create_task(measure_instructions(folder, plan.counts))
    results.counts = counts.result()
    await measure(folder, plan, results)
    await measure_all_actions(folder, plan, results)
    return results, [*memory_rows(memory.result()), cloud_row(cloud.result())]


async def measure_long(folder: Path, plan: Plan) -> Results:
    """Measure more, and more often, one thing after the other."""
    results = Results(plan)
    results.counts = await measure_instructions(folder, plan.counts)
    await measure(folder, plan, results)
    await measure_floods(folder, plan, results)
    await measure_all_actions(folder, plan, results)
    return results


async def measure_all_actions(folder: Path, plan: Plan, results: Results) -> None:
    """Measure from the POST to the action, with one Home Assistant after the other."""
    for number in plan.action_chats:
        say(f"from the POST to the action, {number} chats")
        chats = many_chats(number)
        async with bench(
            folder / f"actions-{number}",
            chats,
            chats,
            settle_time=0,
            configuration=action_configuration(chats),
        ) as one:
            results.actions[number] = await measure_actions(
                one.host, chats, plan.actions
            )
