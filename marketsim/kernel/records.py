"""How compiled code reaches its records: by address, without paying for arrays. The only file with intrinsics.

A jitted helper that takes NumPy arrays counts references at every call (measured: four times slower). Here a record is
reached by `at(address, i)`, a typed accessor, and scalars of packed tables by `load_*`/`store_*`. With the JIT off the same
calls index bounds-checked NumPy arrays that `place` remembered, so both modes run one source.
"""

import numpy as np
from llvmlite import ir
from numba import config, from_dtype, njit, types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

from marketsim.kernel import cache

_arena: dict[int, np.ndarray] = {}  # address -> array; keeps the memory alive and serves the JIT-off accessors
_functions: dict[int, object] = {}  # address -> what stands there; the same for functions called by address

JIT_OFF = bool(config.DISABLE_JIT)


def compiled(function):
    """Compile an inner function of the kernel, once: constants count as the int64 they are, and narrow links are widened to it.

    numba would compile it anew for every combination of literal and narrow arguments it is called with (measured: 242 compilations
    instead of 147, and 1.7 times the time).
    """
    if JIT_OFF:
        return function
    dispatcher = njit(error_model="numpy")(function)
    choose = dispatcher.get_call_template

    def get_call_template(args, kws):
        return choose(tuple(_plain(types.unliteral(arg)) for arg in args), kws)

    dispatcher.get_call_template = get_call_template
    return dispatcher


def _plain(kind):
    return types.int64 if isinstance(kind, types.Integer) and kind.signed else kind


def entry(function):
    """A function that Python calls; its machine code is kept between runs (see `cache`)."""
    door = compiled(function)
    if not JIT_OFF:
        cache.keep(door, function)
    return door


def function_address(function, *, is_kept=False):
    """Compile a function of whole numbers that returns nothing so that it can be called by address (`pointer_call`).

    is_kept: its machine code is kept between runs, as an entry's is; only for functions of the kernel's own files.
    """
    if JIT_OFF:
        address = id(function)
        _functions[address] = function
        return address
    arguments = [types.int64] * function.__code__.co_argcount
    callback = CFunc(function, (arguments, types.void), locals={}, options={"nopython": True, "error_model": "numpy"})
    if is_kept:
        cache.keep(callback, function)
    callback.compile()
    _functions[callback.address] = callback
    return callback.address


def place(array):
    """Keep `array` alive and return its address."""
    address = int(array.ctypes.data)
    _arena[address] = array.view(np.recarray) if array.dtype.names else array
    return address


def release(address):
    """Forget the array at `address` (the memory is freed when nobody else holds it)."""
    _arena.pop(address, None)


def _checked(address, i):
    if i < 0:
        raise IndexError(f"record index {i} below zero")
    return _arena[int(address)][i]


def accessor(dtype):
    """Return `at(address, i)`: the i-th record of `dtype` at `address`, readable and writable by field name."""
    if JIT_OFF:
        return _checked
    record, size = from_dtype(dtype), dtype.itemsize

    @intrinsic
    def at(typingctx, address, i):
        def codegen(context, builder, signature, args):
            offset = builder.mul(args[1], ir.Constant(args[1].type, size))
            return builder.inttoptr(builder.add(args[0], offset), context.get_value_type(record))

        return record(types.int64, types.int64), codegen

    return at


def overlay(table, area, dtype):
    """Return `of(record)`: the raw area of a record of `table` (None: all of it), readable and writable by the names of `dtype`."""
    if JIT_OFF:

        def of_checked(record):
            return record.view((np.record, dtype)) if area is None else record[area].view(dtype).view(np.recarray)[0]

        return of_checked
    view, offset = from_dtype(dtype), table.fields[area][1] if area else 0

    @intrinsic
    def of(typingctx, record):
        def codegen(context, builder, signature, args):
            start = builder.bitcast(args[0], ir.IntType(8).as_pointer())
            return builder.bitcast(builder.gep(start, [ir.Constant(ir.IntType(64), offset)]), context.get_value_type(view))

        return view(record), codegen

    return of


def scalar(dtype, numba_type):
    """Return `(load(address, i), store(address, i, value))` for a packed table of one number type."""
    if JIT_OFF:

        def store_checked(address, i, value):
            _checked(address, i)
            _arena[int(address)][i] = value

        return _checked, store_checked
    size = np.dtype(dtype).itemsize

    def pointer(context, builder, address, i):
        offset = builder.mul(i, ir.Constant(i.type, size))
        return builder.inttoptr(builder.add(address, offset), context.get_data_type(numba_type).as_pointer())

    @intrinsic
    def load(typingctx, address, i):
        def codegen(context, builder, signature, args):
            return builder.load(pointer(context, builder, args[0], args[1]))

        return numba_type(types.int64, types.int64), codegen

    @intrinsic
    def store(typingctx, address, i, value):
        def codegen(context, builder, signature, args):
            builder.store(args[2], pointer(context, builder, args[0], args[1]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, numba_type), codegen

    return load, store


def pointer_call(arguments):
    """Return `call(address, numbers)`: call the function at `address` with a tuple of so many whole numbers."""
    if JIT_OFF:

        def call_checked(address, numbers):
            _functions[int(address)](*(int(number) for number in numbers))

        return call_checked
    i64 = ir.IntType(64)
    kind = ir.FunctionType(ir.VoidType(), [i64] * arguments).as_pointer()

    @intrinsic
    def call(typingctx, address, numbers):
        def codegen(context, builder, signature, args):
            builder.call(builder.inttoptr(args[0], kind), cgutils.unpack_tuple(builder, args[1], arguments))
            return context.get_dummy_value()

        return types.void(types.int64, types.UniTuple(types.int64, arguments)), codegen

    return call


load_i4, store_i4 = scalar("i4", types.int32)
load_i8, store_i8 = scalar("i8", types.int64)
load_u8, store_u8 = scalar("u8", types.uint64)
load_f8, store_f8 = scalar("f8", types.float64)

if JIT_OFF:

    def lowest_bit(word):
        """Position of the lowest set bit of a non-zero 64-bit word."""
        number = int(word)
        return (number & -number).bit_length() - 1

    def highest_bit(word):
        """Position of the highest set bit of a non-zero 64-bit word."""
        return int(word).bit_length() - 1

else:

    @intrinsic
    def lowest_bit(typingctx, word):
        """Number of the lowest set bit of a word that is not 0."""

        def codegen(context, builder, signature, args):
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

        return types.int64(types.uint64), codegen

    @intrinsic
    def highest_bit(typingctx, word):
        """Number of the highest set bit of a word that is not 0."""

        def codegen(context, builder, signature, args):
            zeros = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))
            return builder.sub(ir.Constant(args[0].type, 63), zeros)

        return types.int64(types.uint64), codegen


if JIT_OFF:

    def prefetch(address, i, size):
        """Ask for the record's cache line ahead of its use (nothing to do here)."""

else:

    @intrinsic
    def prefetch(typingctx, address, i, size):
        """Ask for the cache lines of record `i` of `size` bytes."""

        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(builder.add(args[0], builder.mul(args[1], args[2])), ir.IntType(8).as_pointer())
            i32 = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), i32, i32, i32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(function, [pointer, i32(1), i32(3), i32(1)])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), codegen
