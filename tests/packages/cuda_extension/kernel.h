#pragma once

// Doubles the numbers in place on device 0; returns a cudaError_t.
int twice(int* numbers, int count);

// The same for numbers that are on the device already, in a stream (cudaStream_t); does not wait.
int twice_there(int* numbers, int count, void* stream);
