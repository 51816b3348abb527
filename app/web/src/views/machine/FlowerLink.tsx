import type { Machine } from "../../api/models";
import { basePath } from "../../base_path";
import { t } from "../../messages";
import { flowerAddress } from "./flower_address";

/** Leads to Flower, where this browser reaches it. */
export function FlowerLink({ flower }: { flower: Machine["flower"] }) {
  const address = flowerAddress(flower, location.hostname, basePath);
  if (!address) return null;
  return (
    <p>
      <a class="button" href={address} target="_blank" rel="noreferrer">
        {t("machine.flower")}
      </a>
    </p>
  );
}
