"""Numbers of DWARF that types and variables need (DWARF 5, section 7; GNU's own from GCC)."""

from __future__ import annotations

from typing import Final

from ..symbols.dw import AT_ABSTRACT_ORIGIN as AT_ABSTRACT_ORIGIN
from ..symbols.dw import AT_DECL_LINE as AT_DECL_LINE
from ..symbols.dw import AT_DECLARATION as AT_DECLARATION
from ..symbols.dw import AT_DWO_NAME as AT_DWO_NAME
from ..symbols.dw import AT_GNU_DWO_NAME as AT_GNU_DWO_NAME
from ..symbols.dw import AT_LINKAGE_NAME as AT_LINKAGE_NAME
from ..symbols.dw import AT_LOCLISTS_BASE as AT_LOCLISTS_BASE
from ..symbols.dw import AT_LOW_PC as AT_LOW_PC
from ..symbols.dw import AT_NAME as AT_NAME
from ..symbols.dw import AT_SPECIFICATION as AT_SPECIFICATION
from ..symbols.dw import FORM_DATA4 as FORM_DATA4
from ..symbols.dw import FORM_DATA8 as FORM_DATA8
from ..symbols.dw import FORM_LOCLISTX as FORM_LOCLISTX
from ..symbols.dw import FORM_SEC_OFFSET as FORM_SEC_OFFSET
from ..symbols.dw import FORM_STRING as FORM_STRING
from ..symbols.dw import TAG_INLINED_SUBROUTINE as TAG_INLINED_SUBROUTINE
from ..symbols.dw import TAG_LEXICAL_BLOCK as TAG_LEXICAL_BLOCK
from ..symbols.dw import TAG_SUBPROGRAM as TAG_SUBPROGRAM

TAG_ARRAY_TYPE: Final = 0x01
TAG_CLASS_TYPE: Final = 0x02
TAG_ENUMERATION_TYPE: Final = 0x04
TAG_FORMAL_PARAMETER: Final = 0x05
TAG_MEMBER: Final = 0x0D
TAG_POINTER_TYPE: Final = 0x0F
TAG_REFERENCE_TYPE: Final = 0x10
TAG_STRING_TYPE: Final = 0x12
TAG_STRUCTURE_TYPE: Final = 0x13
TAG_SUBROUTINE_TYPE: Final = 0x15
TAG_TYPEDEF: Final = 0x16
TAG_UNION_TYPE: Final = 0x17
TAG_UNSPECIFIED_PARAMETERS: Final = 0x18
TAG_VARIANT: Final = 0x19
TAG_INHERITANCE: Final = 0x1C
TAG_PTR_TO_MEMBER_TYPE: Final = 0x1F
TAG_SUBRANGE_TYPE: Final = 0x21
TAG_BASE_TYPE: Final = 0x24
TAG_CONST_TYPE: Final = 0x26
TAG_ENUMERATOR: Final = 0x28
TAG_TEMPLATE_TYPE: Final = 0x2F
TAG_VARIANT_PART: Final = 0x33
TAG_VARIABLE: Final = 0x34
TAG_VOLATILE_TYPE: Final = 0x35
TAG_RESTRICT_TYPE: Final = 0x37
TAG_NAMESPACE: Final = 0x39
TAG_UNSPECIFIED_TYPE: Final = 0x3B
TAG_RVALUE_REFERENCE_TYPE: Final = 0x42
TAG_ATOMIC_TYPE: Final = 0x47
TAG_CALL_SITE: Final = 0x48
TAG_CALL_SITE_PARAMETER: Final = 0x49
TAG_GNU_CALL_SITE: Final = 0x4109
TAG_GNU_CALL_SITE_PARAMETER: Final = 0x410A

AT_LOCATION: Final = 0x02
AT_BYTE_SIZE: Final = 0x0B
AT_BIT_OFFSET: Final = 0x0C
AT_BIT_SIZE: Final = 0x0D
AT_DISCR: Final = 0x15
AT_DISCR_VALUE: Final = 0x16
AT_CONST_VALUE: Final = 0x1C
AT_CONTAINING_TYPE: Final = 0x1D
AT_LOWER_BOUND: Final = 0x22
AT_PROTOTYPED: Final = 0x27
AT_UPPER_BOUND: Final = 0x2F
AT_ARTIFICIAL: Final = 0x34
AT_COUNT: Final = 0x37
AT_DATA_MEMBER_LOCATION: Final = 0x38
AT_DISCR_LIST: Final = 0x3D
AT_ENCODING: Final = 0x3E
AT_EXTERNAL: Final = 0x3F
AT_FRAME_BASE: Final = 0x40
AT_TYPE: Final = 0x49
AT_BYTE_STRIDE: Final = 0x51
AT_DATA_BIT_OFFSET: Final = 0x6B
AT_SIGNATURE: Final = 0x69
AT_ENUM_CLASS: Final = 0x6D
AT_CALL_RETURN_PC: Final = 0x7D
AT_CALL_VALUE: Final = 0x7E
AT_CALL_ORIGIN: Final = 0x7F
AT_GNU_CALL_SITE_VALUE: Final = 0x2111
AT_GNU_VECTOR: Final = 0x2107

LANG_RUST: Final = 0x1C
LANG_GO: Final = 0x16
#: C, K&R to C11: languages that write ``struct`` before names of structures.
LANG_C: Final = frozenset({0x01, 0x02, 0x0C, 0x1D, 0x2C})
#: Languages whose arrays begin at 1.
FROM_ONE: Final = frozenset(
    {0x03, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0D, 0x0E, 0x0F, 0x22, 0x23}
)
