/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and regions of the PIIX3 (dev/piix3.c) and PIIX4 PM (dev/piix4_pm.c). */
#ifndef LODGE_DEV_PIIX3_H
#define LODGE_DEV_PIIX3_H

enum { PIIX3_REGION_RCR }; /* one byte: port CF9h, see pci_bus.cf9_dev */

/* Inputs 0..3: PIRQA..D. Outputs: steered to ISA IRQ n (level, to be wired-or with
 * the ISA devices' own), and PIRQA..D as they are, for IOAPIC pins 16..19. */
#define PIIX3_OUT_IRQ(n)  (n)
#define PIIX3_OUT_PIRQ(n) (16 + (n))

enum { PIIX4_PM_REGION_PM, PIIX4_PM_REGION_SMB, PIIX4_PM_REGION_APM /* ports B2h, B3h */ };
enum { PIIX4_PM_OUT_SCI /* ISA IRQ 9, level */ };
enum { PIIX4_PM_IN_POWER_BUTTON /* a press is a high pulse */ };

/* Where SeaBIOS puts the power management registers, and the commands to the APM
 * port that the FADT names. */
#define PIIX4_PM_BASE       0x600
#define PIIX4_ACPI_ENABLE   0xf1
#define PIIX4_ACPI_DISABLE  0xf0
#define PIIX4_SLEEP_TYPE_S5 0

#endif
