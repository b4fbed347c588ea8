/** How much was begun in each hour of the last day, as bars; in words for who cannot see them. */
import { say } from "../words.ts";

const HOURS = 24;
const HOUR_MS = 3_600_000;
const BAR = 10;
const GAP = 3;
const HEIGHT = 60;

/** Counts by hour, the one that runs last. */
function hourly(instants: readonly string[], now: number): readonly number[] {
  const counts = Array.from({ length: HOURS }, () => 0);
  for (const instant of instants) {
    const hour = HOURS - 1 - Math.floor((now - Date.parse(instant)) / HOUR_MS);
    const before = counts[hour];
    if (before !== undefined) counts[hour] = before + 1;
  }
  return counts;
}

export function HourChart({ instants }: { readonly instants: readonly string[] }) {
  const counts = hourly(instants, Date.now());
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = HOURS * (BAR + GAP);
  return (
    <figure>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={`${say("lastDay")}: ${total}`} className="chart">
        {counts.map((count, hour) => {
          const height = count === 0 ? 1 : Math.max(2, (count / most) * HEIGHT);
          return <rect key={`${hour} of a day`} x={hour * (BAR + GAP)} y={HEIGHT - height} width={BAR} height={height} rx={1} />;
        })}
      </svg>
      <figcaption className="note">
        {say("lastDay")}: {total}
      </figcaption>
    </figure>
  );
}
