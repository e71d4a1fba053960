import type { Disk } from '@gapless/shared/fs';
import type { Random, VehicleId } from '@gapless/shared/ids';
import { hex } from '@gapless/shared/ids';
import { IdentityFile } from './identity.js';
import { forgetAccessKeys, loadAccessKeys, loadEvidenceKey } from './keys.js';
import type { Enrolled } from './redeem-claim.js';
import { redeemClaim } from './redeem-claim.js';

/**
 * Enrols the box: makes its access keys, redeems the claim with them, and only then takes them into use, by the one
 * rename of the identity file. Whatever fails before leaves the box as it was.
 *
 * @throws CLAIM_CODE_INVALID, CLAIM_REFUSED, LINK_UNREACHABLE, LINK_IMPOSTOR, LINK_PROTOCOL, SECRET_EXPOSED
 */
export async function enrol(
  box: { readonly disk: Disk; readonly random: Random; readonly stateDir: string },
  claim: { readonly vehicle: VehicleId; readonly centralUrl: string; readonly code: string },
): Promise<Enrolled> {
  const { disk, random, stateDir } = box;
  const identity = await IdentityFile.load(disk, stateDir);
  const evidence = await loadEvidenceKey(disk, stateDir);
  const enrolment = hex(random.bytes(8));
  try {
    const keys = { evidence, ...(await loadAccessKeys(disk, stateDir, enrolment)) };
    const enrolled = await redeemClaim(claim, keys);
    await identity.enrol({ ...enrolled, enrolment });
    return enrolled;
  } finally {
    // Those of the former enrolment, or those that were made for nothing.
    await forgetAccessKeys(stateDir, identity.identity?.enrolment);
  }
}
