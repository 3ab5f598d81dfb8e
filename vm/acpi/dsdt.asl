/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board as ACPI sees it: 82441FX + PIIX3 + PIIX4 power management.  Processors are
 * in an SSDT of their own, made when the machine is.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "LODGE ", "LODGEPC ", 1)
{
    /* Power management block 600h: SLP_TYP values of the 82371AB */
    Name (\_S5, Package () { 0, 0, 0, 0 })

    /* Which interrupt controllers the system uses: 0 8259, 1 IOAPIC */
    Name (PICF, 0)
    Method (\_PIC, 1, NotSerialized)
    {
        PICF = Arg0
    }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)

            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable,
                    ReadWrite, 0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
            })

            /*
             * INTA..D of slot s go to PIRQ (s + pin - 1) & 3 where slot 1's INTA is
             * PIRQA. With the 8259s these are steered by the links; IOAPIC inputs
             * 16..19 have them directly.
             */
#define LINKED(s, a, b, c, d) \
            Package () { s, 0, a, 0 }, Package () { s, 1, b, 0 }, \
            Package () { s, 2, c, 0 }, Package () { s, 3, d, 0 }
#define DIRECT(s, a, b, c, d) \
            Package () { s, 0, Zero, a }, Package () { s, 1, Zero, b }, \
            Package () { s, 2, Zero, c }, Package () { s, 3, Zero, d }

            Name (PRTP, Package ()
            {
                LINKED (0x0001FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x0002FFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x0003FFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x0004FFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x0005FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x0006FFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x0007FFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x0008FFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x0009FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x000AFFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x000BFFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x000CFFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x000DFFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x000EFFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x000FFFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x0010FFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x0011FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x0012FFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x0013FFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x0014FFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x0015FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x0016FFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x0017FFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x0018FFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x0019FFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x001AFFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x001BFFFF, LNKC, LNKD, LNKA, LNKB),
                LINKED (0x001CFFFF, LNKD, LNKA, LNKB, LNKC),
                LINKED (0x001DFFFF, LNKA, LNKB, LNKC, LNKD),
                LINKED (0x001EFFFF, LNKB, LNKC, LNKD, LNKA),
                LINKED (0x001FFFFF, LNKC, LNKD, LNKA, LNKB)
            })
            Name (PRTA, Package ()
            {
                DIRECT (0x0001FFFF, 16, 17, 18, 19),
                DIRECT (0x0002FFFF, 17, 18, 19, 16),
                DIRECT (0x0003FFFF, 18, 19, 16, 17),
                DIRECT (0x0004FFFF, 19, 16, 17, 18),
                DIRECT (0x0005FFFF, 16, 17, 18, 19),
                DIRECT (0x0006FFFF, 17, 18, 19, 16),
                DIRECT (0x0007FFFF, 18, 19, 16, 17),
                DIRECT (0x0008FFFF, 19, 16, 17, 18),
                DIRECT (0x0009FFFF, 16, 17, 18, 19),
                DIRECT (0x000AFFFF, 17, 18, 19, 16),
                DIRECT (0x000BFFFF, 18, 19, 16, 17),
                DIRECT (0x000CFFFF, 19, 16, 17, 18),
                DIRECT (0x000DFFFF, 16, 17, 18, 19),
                DIRECT (0x000EFFFF, 17, 18, 19, 16),
                DIRECT (0x000FFFFF, 18, 19, 16, 17),
                DIRECT (0x0010FFFF, 19, 16, 17, 18),
                DIRECT (0x0011FFFF, 16, 17, 18, 19),
                DIRECT (0x0012FFFF, 17, 18, 19, 16),
                DIRECT (0x0013FFFF, 18, 19, 16, 17),
                DIRECT (0x0014FFFF, 19, 16, 17, 18),
                DIRECT (0x0015FFFF, 16, 17, 18, 19),
                DIRECT (0x0016FFFF, 17, 18, 19, 16),
                DIRECT (0x0017FFFF, 18, 19, 16, 17),
                DIRECT (0x0018FFFF, 19, 16, 17, 18),
                DIRECT (0x0019FFFF, 16, 17, 18, 19),
                DIRECT (0x001AFFFF, 17, 18, 19, 16),
                DIRECT (0x001BFFFF, 18, 19, 16, 17),
                DIRECT (0x001CFFFF, 19, 16, 17, 18),
                DIRECT (0x001DFFFF, 16, 17, 18, 19),
                DIRECT (0x001EFFFF, 17, 18, 19, 16),
                DIRECT (0x001FFFFF, 18, 19, 16, 17)
            })
            Method (_PRT, 0, NotSerialized)
            {
                If (PICF)
                {
                    Return (PRTA)
                }
                Return (PRTP)
            }

            /* 82371SB function 0 */
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 4)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x20, 0x20, 1, 2)
                        IO (Decode16, 0xA0, 0xA0, 1, 2)
                        IO (Decode16, 0x4D0, 0x4D0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }
                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x40, 0x40, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }
                Device (DMAC)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00, 0x00, 1, 0x10)
                        IO (Decode16, 0x81, 0x81, 1, 0x0F)
                        IO (Decode16, 0xC0, 0xC0, 1, 0x20)
                        DMA (Compatibility, NotBusMaster, Transfer8) { 4 }
                    })
                }
                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x61, 0x61, 1, 1)
                    })
                }
                Device (FPU)
                {
                    Name (_HID, EisaId ("PNP0C04"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0xF0, 0xF0, 1, 0x10)
                        IRQNoFlags () { 13 }
                    })
                }
                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x70, 0x70, 1, 2)
                        IRQNoFlags () { 8 }
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x60, 0x60, 1, 1)
                        IO (Decode16, 0x64, 0x64, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                }
                Device (FDC0)
                {
                    Name (_HID, EisaId ("PNP0700"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3F2, 0x3F2, 1, 4)
                        IO (Decode16, 0x3F7, 0x3F7, 1, 1)
                        IRQNoFlags () { 6 }
                        DMA (Compatibility, NotBusMaster, Transfer8) { 2 }
                    })
                }
                Device (LPT1)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x378, 0x378, 1, 8)
                        IRQNoFlags () { 7 }
                    })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3F8, 0x3F8, 1, 8)
                        IRQNoFlags () { 4 }
                    })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x2F8, 0x2F8, 1, 8)
                        IRQNoFlags () { 3 }
                    })
                }
                /* What no driver asks for and nobody else may use */
                Device (BRD)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x92, 0x92, 1, 1)
                        IO (Decode16, 0xB2, 0xB2, 1, 2)
                        IO (Decode16, 0x510, 0x510, 1, 12)
                        IO (Decode16, 0x600, 0x600, 1, 0x40)
                        IO (Decode16, 0x700, 0x700, 1, 0x10)
                        Memory32Fixed (ReadWrite, 0xFEC00000, 0x1000)
                        Memory32Fixed (ReadWrite, 0xFEE00000, 0x1000)
                    })
                }
            }

            Device (IDE)
            {
                Name (_ADR, 0x00010001)
            }
            Device (PM)
            {
                Name (_ADR, 0x00010003)
            }
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
            })
        }

        /* PIRQ steering: bit 7 off, bits 3..0 the interrupt */
        Name (LPRS, ResourceTemplate ()
        {
            IRQ (Level, ActiveLow, Shared) { 5, 10, 11 }
        })
        Name (LCRS, ResourceTemplate ()
        {
            IRQ (Level, ActiveLow, Shared, IRQX) {}
        })
        Method (LSTA, 1, NotSerialized)
        {
            If (Arg0 & 0x80)
            {
                Return (0x09)
            }
            Return (0x0B)
        }
        Method (LGET, 1, Serialized)
        {
            CreateWordField (LCRS, 1, LIRQ)
            LIRQ = 0
            If (!(Arg0 & 0x80))
            {
                LIRQ = 1 << (Arg0 & 0x0F)
            }
            Return (LCRS)
        }
        Method (LSET, 1, NotSerialized)
        {
            CreateWordField (Arg0, 1, MASK)
            FindSetRightBit (MASK, Local0)
            Return (Local0 - 1)
        }

#define LINK(name, uid, reg) \
        Device (name) \
        { \
            Name (_HID, EisaId ("PNP0C0F")) \
            Name (_UID, uid) \
            Method (_STA, 0, NotSerialized) { Return (LSTA (\_SB.PCI0.ISA.reg)) } \
            Method (_DIS, 0, NotSerialized) { \_SB.PCI0.ISA.reg |= 0x80 } \
            Method (_PRS, 0, NotSerialized) { Return (LPRS) } \
            Method (_CRS, 0, NotSerialized) { Return (LGET (\_SB.PCI0.ISA.reg)) } \
            Method (_SRS, 1, NotSerialized) { \_SB.PCI0.ISA.reg = LSET (Arg0) } \
        }
        LINK (LNKA, 0, PRQA)
        LINK (LNKB, 1, PRQB)
        LINK (LNKC, 2, PRQC)
        LINK (LNKD, 3, PRQD)
    }
}
